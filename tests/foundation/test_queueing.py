"""Queueing formulas against exact binomial-type sums, scipy and published values."""

import doctest
import math

import numpy as np
import pytest
from scipy import stats

from utils.foundation import queueing
from utils.foundation.queueing import erlang_b, erlang_c, halfin_whitt, mm1_percentile, mmc_mean_wait, servers_needed


def test_the_examples_in_the_docstrings_run():
    assert doctest.testmod(queueing).failed == 0


@pytest.mark.parametrize(("servers", "load"), [(1, 0.3), (3, 2.9), (10, 8.0), (10, 25.0), (100, 80.0)])
def test_erlang_b_is_a_truncated_poisson(servers, load):
    expected = stats.poisson.pmf(servers, load) / stats.poisson.cdf(servers, load)
    assert erlang_b(servers, load) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.3), (2, 1.5), (10, 8.0), (100, 80.0)])
def test_erlang_c_and_the_mean_wait_agree_with_the_stationary_chain(servers, load):
    states = np.arange(servers + 4000)
    log_weight = np.concatenate([[0.0], np.cumsum(np.log(load) - np.log(np.minimum(states[1:], servers)))])
    probability = np.exp(log_weight - log_weight.max())
    probability /= probability.sum()
    assert erlang_c(servers, load) == pytest.approx(probability[servers:].sum(), rel=1e-9)
    waiting = (probability * np.maximum(states - servers, 0)).sum()  # Little: waiting = arrival rate × mean wait
    assert mmc_mean_wait(servers, load, service_seconds=0.2) == pytest.approx(waiting / load * 0.2, rel=1e-9)


def test_the_published_values_hold():
    assert round(erlang_c(10, 8), 5) == 0.40918
    assert round(erlang_b(10, 8), 5) == 0.12166
    assert round(erlang_c(100, 80), 5) == 0.01965
    assert [round(halfin_whitt(b), 4) for b in (0.5, 1, 2)] == [0.5045, 0.2234, 0.0269]


def test_large_systems_do_not_overflow_and_approach_the_limit():
    load = 1e6
    for beta in (0.5, 1.0, 2.0):
        servers = round(load + beta * math.sqrt(load))
        assert erlang_c(servers, load) == pytest.approx(halfin_whitt(beta), rel=0.01)
    assert 0 <= halfin_whitt(60.0) < 1e-300


def test_mm1_percentile_is_that_of_an_exponential():
    for level in (0.5, 0.9, 0.99):
        assert mm1_percentile(0.8, level, service_seconds=0.02) == pytest.approx(stats.expon(scale=0.1).ppf(level))


@pytest.mark.parametrize("load", [0.2, 1.0, 8.0, 80.0])
@pytest.mark.parametrize("target", [0.01, 0.2, 0.5])
def test_servers_needed_is_the_smallest_number_that_keeps_the_target(load, target):
    servers = servers_needed(load, wait_probability=target)
    assert erlang_c(servers, load) <= target
    assert servers - 1 <= load or erlang_c(servers - 1, load) > target


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: erlang_b(0, 1), "servers"),
        (lambda: erlang_b(1.5, 1), "servers"),
        (lambda: erlang_b([], 1), "servers"),
        (lambda: erlang_b(10**7 + 1, 1), "servers"),
        (lambda: servers_needed(1.1e7), "load"),
        (lambda: erlang_b(2, -1), "load"),
        (lambda: erlang_c(2, math.nan), "load"),
        (lambda: erlang_c(2, 2), "load"),
        (lambda: mmc_mean_wait(2, 1, service_seconds=0), "service_seconds"),
        (lambda: mm1_percentile(1, 0.9), "utilization"),
        (lambda: mm1_percentile(0, 0.9), "utilization"),
        (lambda: mm1_percentile(0.5, 99), "level"),
        (lambda: mm1_percentile(0.5, 0.9, service_seconds=-1), "service_seconds"),
        (lambda: servers_needed(0), "load"),
        (lambda: servers_needed(1, wait_probability=1), "wait_probability"),
        (lambda: halfin_whitt(np.array([1.0, 2.0])), "beta"),
        (lambda: halfin_whitt(0), "beta"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must be .*got .*; "):
        call()


def test_no_load_means_nobody_is_lost_and_nobody_waits():
    assert erlang_b(3, 0) == 0
    assert erlang_c(3, 0) == 0


def test_with_endless_spare_servers_nobody_waits():
    assert queueing.halfin_whitt(1e200) == 0
