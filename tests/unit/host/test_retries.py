"""How long the host waits before it runs the same batch again."""

from itertools import islice

import pytest

from infra.local.host.retries import NO_RETRY, RetryPolicy


def test_an_exponential_delay_doubles_up_to_its_maximum() -> None:
    policy = RetryPolicy.parse(
        {
            "strategy": "exponential_backoff",
            "max_retry_count": "-1",
            "minimum_interval": "00:00:02",
            "maximum_interval": "00:01:00",
        }
    )

    assert list(islice(policy.delays_s(), 7)) == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_retries_for_ever_never_overflow() -> None:
    """A partition may wait for days."""
    policy = RetryPolicy(limit=-1, shortest_s=2.0, longest_s=60.0)

    assert next(islice(policy.delays_s(), 5_000, None)) == 60.0


def test_a_fixed_delay_ends_after_its_last_retry() -> None:
    policy = RetryPolicy.parse({"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "00:00:05"})

    assert list(policy.delays_s()) == [5.0, 5.0, 5.0]
    assert list(NO_RETRY.delays_s()) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "hope", "max_retry_count": "1"},
        {"strategy": "fixed_delay", "max_retry_count": "1", "delay_interval": "5"},
        {"strategy": "fixed_delay", "max_retry_count": "many", "delay_interval": "00:00:05"},
    ],
)
def test_what_cannot_be_read_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"retry strategy|duration|invalid literal"):
        RetryPolicy.parse(settings)
