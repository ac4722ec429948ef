"""The examples in the docstrings of utils give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

from utils.foundation.checkout import CHECKOUT

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def module_names():
    paths = (path.relative_to(CHECKOUT).with_suffix("") for path in (CHECKOUT / "utils").rglob("*.py"))
    return sorted(".".join(path.parts) for path in paths if path.name not in ("__init__", "__main__"))


def has_examples(name):
    return ">>>" in (CHECKOUT / Path(*name.split("."))).with_suffix(".py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in module_names() if has_examples(name)])
def test_examples_in_docstrings(name):
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert tried > 0
    assert failed == 0
