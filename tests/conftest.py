"""Fixtures of the tests: what a lesson shows, and a home of its own for each test."""

import importlib
import itertools

import pytest


class Bundle(dict):
    """Display data of one output, with its metadata."""

    metadata = None


@pytest.fixture
def shown(monkeypatch):
    """Collect what the apparatus displays, one `Bundle` an output."""
    bundles = []

    def display(data, raw=False, metadata=None):
        assert raw
        bundle = Bundle(data)
        bundle.metadata = metadata
        bundles.append(bundle)

    for module in ("display", "figure", "lesson", "play"):
        monkeypatch.setattr(importlib.import_module(f"utils.lesson.{module}"), "display", display)
    return bundles


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Return paths that were not given before; a numbered folder a test would take time that grows with their number."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def home(homes, monkeypatch):
    """Give every test its own COURSE_HOME, an empty folder."""
    folder = next(homes)
    folder.mkdir()
    monkeypatch.setenv("COURSE_HOME", str(folder))
    return folder
