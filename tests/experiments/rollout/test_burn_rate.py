"""The burn of an error budget is the service's error rate over what the objective allows."""

import numpy as np
import pytest

from utils.experiments.rollout.burn_rate import burn_rate, minute_of_page


def test_a_fully_broken_one_percent_canary_burns_ten_times_the_budget():
    assert burn_rate(0.01, 1.0) == pytest.approx(10)
    assert burn_rate(0.01, 1.0, stable_error_rate=0.001) == pytest.approx(10.99)
    assert burn_rate(0.5, 0.1, objective=0.99) == pytest.approx(5)


def by_loop(burn, threshold, long_window, short_window):
    for minute in range(1, len(burn) + 1):
        spent = [sum(burn[max(0, minute - window) : minute]) / window for window in (long_window, short_window)]
        if min(spent) > threshold:
            return minute
    return None


@pytest.mark.parametrize("seed", range(20))
def test_the_page_goes_off_when_both_windows_burn_faster_than_the_threshold(seed):
    rng = np.random.default_rng(seed)
    burn = rng.choice([0, 1, 5, 20], 200)
    long_window, threshold = int(rng.integers(3, 60)), float(rng.uniform(1, 12))
    windows = {"long_window": long_window, "short_window": int(rng.integers(1, long_window))}
    assert minute_of_page(burn, threshold=threshold, **windows) == by_loop(burn, threshold, *windows.values())


def test_a_burn_of_ten_does_not_set_off_the_fast_page_and_sets_off_the_slow_one():
    fast, slow = {"long_window": 60, "short_window": 5}, {"long_window": 360, "short_window": 30}
    assert minute_of_page([10] * 600, threshold=14.4, **fast) is None
    assert minute_of_page([10] * 600, threshold=6, **slow) == 217  # 10 t / 360 exceeds 6
    assert minute_of_page([20] * 60, threshold=14.4, **fast) == 44
    assert minute_of_page([20] * 30 + [0] * 60, threshold=6, **slow) is None  # over before the long window is convinced


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: burn_rate(1.5, 1), "share"),
        (lambda: burn_rate(0.5, -1), "canary_error_rate"),
        (lambda: burn_rate(0.5, 1, stable_error_rate="0"), "stable_error_rate"),
        (lambda: burn_rate(0.5, 1, objective=1), "objective"),
        (lambda: minute_of_page([1, -1], threshold=6, long_window=6, short_window=1), "burn"),
        (lambda: minute_of_page([1], threshold=0, long_window=6, short_window=1), "threshold"),
        (lambda: minute_of_page([1], threshold=6, long_window=0, short_window=1), "long_window"),
        (lambda: minute_of_page([1], threshold=6, long_window=6, short_window=0), "short_window"),
        (lambda: minute_of_page([1], threshold=6, long_window=6, short_window=6), "short_window"),
    ],
)
def test_a_bad_argument_is_named(call, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        call()
