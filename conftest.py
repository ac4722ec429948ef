"""What every test run has: a home of its own for progress and histories, and nbval's list of what is not compared."""

import gc
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from utils.course.kernels import kernel_environment

# feast and the like live in an environment of their own: make test-production
collect_ignore = [] if importlib.util.find_spec("feast") else ["tests/production"]
# HTML holds pictures too, and always stands beside its text, which is compared
PICTURES = ("image/png", "image/jpeg", "text/html")
# what takes longest is begun first, so that the workers end together; xdist would go by the number of tests in a file
LONGEST_FIRST = ("test_browser.py", "test_runner.py", ".ipynb", "test_runner_execute.py", "test_live.py")


def pytest_configure(config):
    """Keep a notebook on one worker, and give this process a folder for all that kernels, caches and examples write."""
    if getattr(config.option, "dist", "no") == "load":  # xdist's default would split a notebook over kernels
        config.option.dist = "loadfile"
    config.option.loadscopereorder = False
    config.scratch_folder = Path(tempfile.mkdtemp(prefix="course-test-"))
    os.environ.update(kernel_environment(config.scratch_folder))
    os.environ.pop("COURSE_CLAIMS", None)
    config.add_cleanup(lambda: shutil.rmtree(config.scratch_folder, ignore_errors=True))
    try:
        import hypothesis
    except ImportError:  # the production environment has none
        return
    hypothesis.configuration.set_hypothesis_home_dir(str(config.scratch_folder / "hypothesis"))
    # the same examples in every run, so that it is green ten times in ten; the nightly run draws new ones
    hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
    hypothesis.settings.register_profile("new", deadline=None, print_blob=True)
    hypothesis.settings.load_profile(os.environ.get("COURSE_EXAMPLES", "same"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Order the files by `LONGEST_FIRST`, and keep what was collected out of the garbage collector's way."""
    items.sort(key=lambda item: next((n for n, end in enumerate(LONGEST_FIRST) if item.path.name.endswith(end)), 99))
    gc.collect()
    gc.freeze()


def pytest_collectstart(collector):
    """Let nbval pass over the claim records, which the runner reads, and the pictures."""
    if hasattr(collector, "skip_compare"):
        from utils.lesson.claim import MIME  # not sooner: matplotlib reads its backend from the environment made above

        collector.skip_compare = (*collector.skip_compare, MIME, *PICTURES)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Give each notebook its own progress before its kernel starts: the map shows a learner who has just begun."""
    if item.path.suffix == ".ipynb":
        os.environ["COURSE_HOME"] = str(item.config.scratch_folder / "progress" / item.path.stem)
