"""A hub that is away is asked now and then by one, and left alone by all others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.publishing.breaker import FIRST_REST_S, LONGEST_REST_S, Breaker, Way


@pytest.fixture
def opened() -> Breaker:
    breaker = Breaker()
    breaker.failed(Way.SEND, now=100.0)
    return breaker


def test_closed_it_lets_everybody_through() -> None:
    assert [Breaker().way(now) for now in (0.0, 1e9)] == [Way.SEND, Way.SEND]


def test_one_failure_opens_it(opened: Breaker) -> None:
    """The next commit would wait as long for the same; the spool has it in milliseconds."""
    assert opened.way(100.0) is opened.way(100.0 + FIRST_REST_S - 0.01) is Way.SPOOL


def test_after_the_rest_one_commit_probes_and_no_other(opened: Breaker) -> None:
    assert [opened.way(102.0) for _ in range(3)] == [Way.PROBE, Way.SPOOL, Way.SPOOL]
    assert opened.way(1e9) is Way.SPOOL, "as long as that is under way"


def test_a_probe_that_arrives_closes_it(opened: Breaker) -> None:
    opened.way(102.0)

    opened.succeeded()

    assert [opened.way(102.0) for _ in range(2)] == [Way.SEND, Way.SEND]


def test_each_probe_that_fails_doubles_the_rest_up_to_a_bound(opened: Breaker) -> None:
    now = 100.0 + FIRST_REST_S
    for rest in (2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        assert opened.way(now) is Way.PROBE
        opened.failed(Way.PROBE, now=now)
        assert opened.way(now + rest - 0.01) is Way.SPOOL
        now += rest


def test_commits_that_were_under_way_when_it_opened_do_not_prolong_the_rest(opened: Breaker) -> None:
    """Four lanes fail one after the other when a hub goes: that is one outage."""
    opened.failed(Way.SEND, now=100.9)

    assert opened.way(100.0 + FIRST_REST_S) is Way.PROBE


def test_a_new_outage_begins_with_the_shortest_rest(opened: Breaker) -> None:
    for now in (101.0, 103.0, 107.0):
        opened.way(now)
        opened.failed(Way.PROBE, now=now)
    opened.succeeded()

    opened.failed(Way.SEND, now=200.0)

    assert opened.way(200.0 + FIRST_REST_S) is Way.PROBE


def test_without_a_spool_the_next_commit_probes_and_no_other(opened: Breaker) -> None:
    opened.hurry(100.1)

    assert [opened.way(100.1) for _ in range(2)] == [Way.PROBE, Way.SPOOL]


@given(st.lists(st.tuples(st.sampled_from(["way", "arrives", "fails"]), st.floats(0.0, 40.0)), max_size=60))
def test_whatever_happens_at_most_one_probes_and_the_hub_is_never_given_up(steps: list[tuple[str, float]]) -> None:
    breaker = Breaker()
    now = 0.0
    probes = 0
    for what, later in steps:
        now += later
        if what == "way":
            probes += breaker.way(now) is Way.PROBE
        elif what == "arrives":
            breaker.succeeded()
            probes = 0
        else:
            breaker.failed(Way.PROBE if probes else Way.SEND, now)
            probes = 0
        assert probes <= 1

    if not probes:
        assert breaker.way(now + LONGEST_REST_S) in {Way.SEND, Way.PROBE}
