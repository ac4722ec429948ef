"""Free ports and waiting."""

import socket

import pytest

from tests.waiting import free_port, wait_until


def test_a_free_port_can_be_bound_and_lies_in_the_range():
    port = free_port(range(20_000, 30_000))
    assert 20_000 <= port < 30_000
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))


def test_a_taken_port_is_not_given():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        taken = listener.getsockname()[1]
        with pytest.raises(OSError, match="no port is free"):
            free_port(range(taken, taken + 1))


def test_waiting_ends_with_the_value_or_in_time():
    values = iter([None, 0, "ready"])
    assert wait_until(lambda: next(values), seconds=5, pause=0) == "ready"
    with pytest.raises(TimeoutError, match="gave up after"):
        wait_until(lambda: False, seconds=0.05, pause=0.01)
    with pytest.raises(ValueError, match="seconds must be positive"):
        wait_until(lambda: True, seconds=0)
