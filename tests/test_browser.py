"""Lesson 7 as a learner meets it: a real JupyterLab in Chromium, run top to bottom, exercises answered, slider moved."""

import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.waiting import free_port, wait_until
from utils.foundation.checkout import CHECKOUT

ROOT = CHECKOUT
LESSON = "notebooks/2_features/07_training_serving_skew.ipynb"
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
    """Start JupyterLab on a copy of the checkout's notebooks; yield the address of the lesson; stop it."""
    home = tmp_path_factory.mktemp("lab")
    for folder in ("notebooks", "utils", "data"):
        shutil.copytree(
            ROOT / folder, home / "course" / folder, ignore=shutil.ignore_patterns("__pycache__", ".ipynb*")
        )
    shutil.copy(ROOT / "pyproject.toml", home / "course")
    settings = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}))
    environment = {name: value for name, value in os.environ.items() if name != "COURSE_STATIC"}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "COURSE_HOME": str(home / "progress")}
    for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        environment[name] = str(home / name.lower())
    # kernels of other workers take ports that the system hands out; stay below that range, so that none takes ours
    port, token = free_port(range(20_000, 30_000)), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={home / 'course'}",
    ]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]
    log = (home / "lab.log").open("wb")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def answers():
        assert server.poll() is None, (home / "lab.log").read_text()
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=2)
        except (urllib.error.URLError, OSError, http.client.HTTPException):
            return None

    try:
        wait_until(answers, seconds=120)
        yield f"http://127.0.0.1:{port}", token, home / "progress"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


@pytest.fixture(scope="module")
def page(lab):
    """Open the lesson, run all its cells, and yield the page."""
    from playwright.sync_api import sync_playwright

    address, token, _ = lab
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1300, "height": 1500})
        page.outside = []
        page.on(
            "request",
            lambda r: None if r.url.startswith((address, "ws", "data:", "blob:")) else page.outside.append(r.url),
        )
        page.goto(f"{address}/lab/tree/{LESSON}?token={token}&reset")
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120 * SECONDS)
        page.wait_for_function(READY, timeout=120 * SECONDS)
        page.wait_for_timeout(2 * SECONDS)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        page.wait_for_function(DONE, timeout=240 * SECONDS)
        page.wait_for_function(READY, timeout=60 * SECONDS)
        yield page
        browser.close()


def run_cell(page, needle, source=None):
    """Run the code cell that contains `needle`, with another source if given; return its outputs as text."""
    index = page.evaluate(FIND, needle)
    assert index >= 0, needle
    page.evaluate(RUN, [index, source])
    page.wait_for_function(READY, timeout=60 * SECONDS)
    return page.evaluate(OUTPUT, index)


def test_the_lesson_runs_from_top_to_bottom_without_an_error(page):
    assert page.evaluate(ERRORS) == []
    assert page.outside == []


def test_a_fresh_copy_says_that_the_exercises_were_not_attempted(page):
    for number in (1, 2, 3):
        assert "not attempted" in page.evaluate(OUTPUT, page.evaluate(FIND, f"lesson.check({number}, "))


def test_a_wrong_answer_and_then_the_right_one_get_their_messages(page, lab):
    stub = "def deviation_ratio(n):"
    wrong = f"{stub}\n    return n / (n - 1)\n\nlesson.check(1, deviation_ratio)"
    assert "That is the ratio of the variances" in run_cell(page, "lesson.check(1, ", wrong)
    right = f"{stub}\n    return np.sqrt(n / (n - 1))\n\nlesson.check(1, deviation_ratio)"
    assert "right." in run_cell(page, "lesson.check(1, ", right)
    known = json.loads((lab[2] / "progress.json").read_text())
    assert known["07"]["exercises"] == {"1": "passed"}


def test_a_prediction_is_kept_and_judged(page, lab):
    source = 'lesson.predict("misjoin_cost", "Which share?", low=0.5, high=0.9, unit="%")'
    assert "You say 50% to 90%" in run_cell(page, 'lesson.predict("misjoin_cost"', source)
    assert "too high" in run_cell(page, 'lesson.reveal("misjoin_cost"')
    known = json.loads((lab[2] / "progress.json").read_text())
    assert known["07"]["predictions"]["misjoin_cost"]["contains"] is False


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
