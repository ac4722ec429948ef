"""The burn of an error budget is the service's error rate over what the objective allows."""

import pytest

from utils.experiments.rollout.burn_rate import burn_rate


def test_a_fully_broken_one_percent_canary_burns_ten_times_the_budget():
    assert burn_rate(0.01, 1.0) == pytest.approx(10)
    assert burn_rate(0.01, 1.0, stable_error_rate=0.001) == pytest.approx(10.99)
    assert burn_rate(0.5, 0.1, objective=0.99) == pytest.approx(5)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: burn_rate(1.5, 1), "share"),
        (lambda: burn_rate(0.5, -1), "canary_error_rate"),
        (lambda: burn_rate(0.5, 1, stable_error_rate="0"), "stable_error_rate"),
        (lambda: burn_rate(0.5, 1, objective=1), "objective"),
    ],
)
def test_a_bad_argument_is_named(call, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        call()
