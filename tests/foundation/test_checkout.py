"""The checkout's root."""

from pathlib import Path

from utils.foundation.checkout import CHECKOUT


def test_the_checkout_holds_the_course_wherever_python_was_started(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert CHECKOUT.is_absolute()
    assert (CHECKOUT / "pyproject.toml").is_file()
    assert (CHECKOUT / "utils" / "foundation" / "checkout.py").is_file()
    assert Path(__file__).resolve().is_relative_to(CHECKOUT)
