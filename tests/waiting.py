"""Free ports, and waiting for something with a limit."""

import contextlib
import random
import socket
import time


def free_port(among=range(0, 1)):
    """Return a port of 127.0.0.1 on which nothing listens now; by default one that the system hands out.

    Args:
        among: ports to try, in random order.

    Raises:
        OSError: all of them are taken.
    """
    for port in random.sample(among, len(among)):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return listener.getsockname()[1]
    raise OSError(f"no port is free among {among}; name other ones")


def wait_until(condition, *, seconds, pause=0.1):
    """Return the first true value of `condition()`.

    Args:
        condition: function without arguments.
        seconds: how long to try, above 0.
        pause: seconds between tries.

    Raises:
        ValueError: seconds is not positive.
        TimeoutError: it was never true.

    >>> wait_until(lambda: "ready", seconds=1)
    'ready'
    """
    if not seconds > 0:
        raise ValueError(f"seconds must be positive, got {seconds}; give the longest wait you accept")
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"gave up after {seconds:g} s")
        time.sleep(pause)
    return value
