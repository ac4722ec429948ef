"""Fixtures of the tests: what a lesson shows, and a home of its own for each test."""

import importlib

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


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Give every test its own COURSE_HOME."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("COURSE_HOME", str(folder))
    return folder
