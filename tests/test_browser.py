"""Lesson 10, a light one, as a learner meets it in Chromium: run top to bottom, exercises answered, slider moved."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pytest
from nbconvert import HTMLExporter

from tests.waiting import free_port, wait_until
from utils.course.notebooks import read_notebook
from utils.foundation.checkout import CHECKOUT

ROOT = CHECKOUT
LESSON = "learn/3_systems/10_consistent_hashing.ipynb"
TITLE = "Consistent hashing"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECONDS = 1_000  # milliseconds, as playwright counts

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install Debian's package chromium"),
    pytest.mark.xdist_group("browser"),
]

CURRENT = "window.jupyterapp.shell.currentWidget"
READY = f"""() => {{const s = {CURRENT}?.sessionContext, k = s?.session?.kernel;
            return Boolean(s?.isReady && k?.connectionStatus === 'connected' && k?.status === 'idle')}}"""
DONE = f"""() => [...{CURRENT}.content.model.cells].filter(c => c.type === 'code')
           .every(c => c.executionCount !== null || !c.sharedModel.source.trim())"""
ERRORS = f"""() => [...{CURRENT}.content.model.cells].filter(c => c.type === 'code').flatMap(c =>
             c.sharedModel.getOutputs().filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue))"""
STILL = "[class^=course-still] img"
PLAYED = ".jp-OutputArea .jupyter-widgets img"
FIND = f"""needle => [...{CURRENT}.content.model.cells].findIndex(c => c.type === 'code' && c.sharedModel.source.includes(needle))"""
OUTPUT = f"""index => JSON.stringify({CURRENT}.content.model.cells.get(index).sharedModel.getOutputs())"""
RUN = f"""async ([index, source]) => {{
    const content = {CURRENT}.content;
    if (source !== null) content.model.cells.get(index).sharedModel.setSource(source);
    content.activeCellIndex = index;
    await window.jupyterapp.commands.execute('notebook:run-cell');
}}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start the course's own `lab` in a copy of the checkout; yield the address it prints and its folders; stop it."""
    home = tmp_path_factory.mktemp("lab")
    course = home / "the course, copied"
    for folder in ("notebooks", "utils", "data"):
        shutil.copytree(ROOT / folder, course / folder, ignore=shutil.ignore_patterns("__pycache__", ".ipynb*"))
    shutil.copy(ROOT / "pyproject.toml", course)
    settings = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}))
    configuration = {
        "ServerApp": {"open_browser": False},
        "LabApp": {"expose_app_in_browser": True, "extension_manager": "readonly"},
    }
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps(configuration))
    environment = {name: value for name, value in os.environ.items() if name not in ("COURSE_STATIC", "PYTHONPATH")}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "COURSE_HOME": str(home / "progress")}
    environment |= {"JUPYTER_CONFIG_DIR": str(home / "config"), "PYTHONUNBUFFERED": "1"}
    for name in ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_DATA_DIR"):
        environment[name] = str(home / name.lower())
    # kernels of other workers take ports that the system hands out; stay below that range, so that none takes ours
    port = free_port(range(20_000, 30_000))
    command = [sys.executable, "-m", "utils.course", "lab", "--port", str(port)]
    log = (home / "lab.log").open("wb")
    server = subprocess.Popen(
        command, cwd=course, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )

    def printed():
        told = (home / "lab.log").read_text()
        assert server.poll() is None, told
        return re.search(rf"http://(?:localhost|127\.0\.0\.1):{port}/\S+", told)

    try:
        address = wait_until(printed, seconds=120)[0].replace("localhost", "127.0.0.1")
        yield Lab(address, course, home / "progress")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


class Lab(NamedTuple):
    """A running JupyterLab of the course."""

    printed: str
    course: Path
    progress: Path

    @property
    def server(self):
        """Scheme, host and port."""
        return self.printed.partition("/lab")[0]

    def page_of(self, notebook):
        """The address of a notebook in a workspace of its own."""
        token = self.printed.partition("?")[2]
        return f"{self.server}/lab/tree/{notebook}?{token}&reset"


@pytest.fixture(scope="module")
def browser():
    """Start Chromium; its pages share one cache, as a person's do, and record what they ask of other hosts than ours."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_context(viewport={"width": 1300, "height": 1500})
        browser.close()


def opened(browser, lab, address):
    """Open an address in a page of its own and wait until its notebook's kernel is ready."""
    page = browser.new_page()
    page.outside = []
    ours = (lab.server, "ws", "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(ours) else page.outside.append(r.url))
    page.goto(address)
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120 * SECONDS)
    page.wait_for_function(READY, timeout=120 * SECONDS)
    page.wait_for_timeout(0.3 * SECONDS)
    return page


@pytest.fixture(scope="module")
def first(lab, browser):
    """Open the address that the command prints, as somebody does who begins."""
    page = opened(browser, lab, lab.printed)
    yield page
    page.close()


@pytest.fixture(scope="module")
def copy(first):
    """Follow the map's link to the lesson, as a learner does; the page now shows the learner's copy."""
    first.locator("a", has_text=TITLE).first.click()
    first.wait_for_function(f"() => {CURRENT}.context?.path === '{LESSON}'", timeout=60 * SECONDS)
    first.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=60 * SECONDS)
    first.wait_for_function(READY, timeout=120 * SECONDS)
    return first


@pytest.fixture(scope="module")
def page(copy):
    """Run all cells of the learner's copy, and return the page."""
    copy.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    copy.wait_for_function(DONE, timeout=240 * SECONDS)
    copy.wait_for_function(READY, timeout=60 * SECONDS)
    return copy


def run_cell(page, needle, source=None):
    """Run the code cell that contains `needle`, with another source if given; return its outputs as text."""
    index = page.evaluate(FIND, needle)
    assert index >= 0, needle
    page.evaluate(RUN, [index, source])
    page.wait_for_function(READY, timeout=60 * SECONDS)
    return page.evaluate(OUTPUT, index)


def test_the_printed_address_shows_the_map_and_asks_nothing(first):
    assert first.locator(".jp-NotebookPanel").count() == 1
    assert first.locator(f"text={TITLE}").first.is_visible()
    assert first.locator(".jp-toast, .Toastify__toast, .jp-Dialog").count() == 0
    assert "REPOSITORY" not in first.locator(".jp-Notebook").inner_text()
    assert first.outside == []


def test_a_lesson_is_opened_from_the_map_as_a_copy_without_results(copy):
    assert "Measured" not in copy.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").inner_text()


def test_the_lesson_runs_from_top_to_bottom_without_an_error(page):
    assert page.evaluate(ERRORS) == []
    assert page.outside == []


def test_a_fresh_copy_says_that_the_exercises_were_not_attempted(page):
    for number in (1, 2, 3):
        assert "not attempted" in page.evaluate(OUTPUT, page.evaluate(FIND, f"lesson.check({number}, "))


def test_a_wrong_answer_and_then_the_right_one_get_their_messages(page, lab):
    stub = "def share_moved(n_before, n_after):\n    return 1 - min(n_before, n_after)"
    wrong = f"{stub} / max(n_before, n_after)\n\nlesson.check(1, share_moved)"
    assert "That is what a ring moves." in run_cell(page, "lesson.check(1, ", wrong)
    right = f"{stub} / np.lcm(n_before, n_after)\n\nlesson.check(1, share_moved)"
    assert "right." in run_cell(page, "lesson.check(1, ", right)
    known = json.loads((lab.progress / "progress.json").read_text())
    assert known["10"]["exercises"] == {"1": "passed"}


def test_a_prediction_after_run_all_is_judged_and_does_not_count(page, lab):
    source = 'lesson.predict("busiest", "Which share?", low=50, high=90, unit="%")'
    told = run_cell(page, '"busiest",', source)
    assert "You say 50% to 90%" in told
    assert "already shown in this copy, so this one does not count" in told
    assert "too high" in run_cell(page, 'lesson.reveal("busiest"')
    known = json.loads((lab.progress / "progress.json").read_text())
    assert known["10"]["predictions"]["busiest"] == {"shown": True}


def test_a_mistaken_prediction_is_told_in_one_line_and_the_mended_one_counts(page, lab):
    ask = 'lesson.predict("untold", "Which share?", low={}, high=90, unit="%")'
    [error] = json.loads(run_cell(page, '"busiest",', ask.format(500)))
    assert error["traceback"] == ["Not yet: low must not exceed high, got 500 and 90; swap them"]
    mended = f"{ask.format(5)}\nlesson.reveal('untold', 0.5)"
    assert "contains it" in run_cell(page, 'lesson.predict("untold"', mended)
    known = json.loads((lab.progress / "progress.json").read_text())
    assert known["10"]["predictions"]["untold"]["contains"] is True


def test_moving_the_slider_draws_another_picture(page):
    picture = page.locator(".jp-OutputArea-output .widget-output img, .jp-OutputArea .jupyter-widgets img").last
    before = picture.get_attribute("src", timeout=30 * SECONDS)
    slider = page.locator(".noUi-handle").first
    slider.scroll_into_view_if_needed()
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.jupyter-widgets img')].some(i => i.src && i.src !== before)",
        arg=before,
        timeout=30 * SECONDS,
    )


def test_each_control_has_a_name_and_its_keys_draw_another_picture(page):
    field = page.get_by_role("spinbutton", name="hot share")
    before = page.locator(PLAYED).get_attribute("src")
    field.scroll_into_view_if_needed()
    field.focus()
    field.press("ArrowUp")
    field.press("Enter")
    page.wait_for_function(f"before => document.querySelector('{PLAYED}')?.src !== before", arg=before)
    assert page.get_by_role("spinbutton", name="nodes", exact=True).count() == 1


def test_every_picture_has_its_words(page):
    pictures = page.locator(".jp-OutputArea-output img:visible")
    words = [pictures.nth(i).get_attribute("alt") for i in range(pictures.count())]
    assert len(words) >= 4
    assert all(text and len(text) >= 40 for text in words), words


def test_a_reopened_lesson_shows_a_picture_where_the_widget_was(page, lab, browser):
    assert page.locator(STILL).count() == 1
    assert not page.locator(STILL).is_visible()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function(f"() => !{CURRENT}.context.model.dirty")
    page.evaluate(f"() => {CURRENT}.sessionContext.shutdown()")
    again = opened(browser, lab, lab.page_of(LESSON))
    again.locator(STILL).scroll_into_view_if_needed()
    assert again.locator(STILL).is_visible()
    assert again.locator(STILL).evaluate("image => image.naturalWidth") > 400
    assert not again.get_by_text("Error displaying widget").first.is_visible()
    again.close()
    page_source, _ = HTMLExporter().from_filename(str(lab.course / LESSON))
    assert "No description has been provided" not in page_source
    assert "Output()" not in page_source
    assert "The picture above shows the defaults." in page_source
    stored = read_notebook(lab.course / LESSON)
    pictures = [o for cell in stored.cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
    words = unescape(page_source)
    assert all(f'alt="{picture.metadata["image/png"]["alt"]}"' in words for picture in pictures)
