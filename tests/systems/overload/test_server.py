"""The server by itself, request by request, against what was reckoned by hand."""

import itertools

import pytest

from utils.systems.overload.agenda import Agenda
from utils.systems.overload.scenario import Scenario
from utils.systems.overload.server import Request, Server


def run(arrivals, *, until=40.0, service=1.0, **fields):
    """Return the server, and for each arrival (second) what was decided of it and when; refused at the door is None."""
    agenda, decided = Agenda(), {}
    server = Server(agenda, Scenario(servers=1, **fields), itertools.repeat(service))

    def arrive(second):
        request = Request(second, lambda done: decided.__setitem__(second, (done, agenda.now)))
        if not server.submit(request):
            decided[second] = None

    for second in arrivals:
        agenda.at(second, arrive, second)
    agenda.run(until)
    return server, [decided.get(second) for second in arrivals]


def test_one_worker_serves_one_after_the_other():
    server, decided = run([1.0, 1.5, 1.7], outage_seconds=0)
    assert decided == [(True, 2.0), (True, 3.0), (True, 4.0)]
    assert server.waits == pytest.approx([0, 0.5, 1.3])
    assert server.answers == [2, 3, 4]
    _, decided = run([1.0, 1.5, 1.7], outage_seconds=0, newest_first=True)
    assert decided == [(True, 2.0), (True, 4.0), (True, 3.0)]


def test_an_outage_that_refuses_begins_with_its_first_moment_and_spares_what_is_under_way():
    _, decided = run([9.5, 10.0, 19.9, 20.0])
    assert decided == [(True, 10.5), None, None, (True, 21.0)]


def test_a_stalled_server_begins_again_by_itself_when_the_stall_is_over():
    server, decided = run([12.0, 13.0], stalls=True)
    assert server.waits == [8, 8]
    assert decided == [(True, 21.0), (True, 22.0)]


def test_a_full_queue_refuses():
    _, decided = run([1.0, 1.1, 1.2, 1.3], outage_seconds=0, queue_limit=2)
    assert [d is None for d in decided] == [False, False, False, True]  # one at work, two wait
    _, decided = run([11.0, 11.1, 11.2, 11.3], stalls=True, queue_limit=2)
    assert [d is None for d in decided] == [False, False, True, True]  # nothing is worked on in a stall
    _, decided = run([1.0, 1.1], outage_seconds=0, queue_limit=0)
    assert [d is None for d in decided] == [False, True]


def test_refusals_are_paid_for_by_the_next_service_and_only_once():
    _, decided = run([1.0, 1.1, 1.2, 1.3, 2.5], outage_seconds=0, queue_limit=1, refusal_seconds=0.25)
    assert decided == [(True, 2.0), (True, 3.5), None, None, (True, 4.5)]


def test_who_has_waited_too_long_is_told_when_its_turn_comes_and_takes_no_time():
    _, decided = run([1.0, 1.2, 1.6], outage_seconds=0, longest_wait=0.5)
    assert decided == [(True, 2.0), (False, 2.0), (True, 3.0)]


def test_an_emptied_queue_tells_all_and_leaves_the_work_under_way():
    _, decided = run([1.0, 1.1, 1.2], outage_seconds=0, emptied_at=1.5)
    assert decided == [(True, 2.0), (False, 1.5), (False, 1.5)]
