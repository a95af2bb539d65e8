"""What an answer means for a batch."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.answers import RETRYABLE, Answer, asked_wait_s, judge

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def account(*errors: tuple[int, int]) -> bytes:
    return msgspec.json.encode({"errors": [{"index": index, "statusCode": status} for index, status in errors]})


@pytest.mark.parametrize("status", sorted(RETRYABLE))
def test_a_busy_endpoint_gets_the_whole_batch_again(status: int) -> None:
    verdict = judge(Answer(status=status), items=3)

    assert (verdict.again, verdict.accepted, verdict.refused) == ((0, 1, 2), 0, 0)


@pytest.mark.parametrize("status", [300, 400, 401, 402, 403, 404, 413, 501])
def test_a_refusal_is_final(status: int) -> None:
    """What is refused once is refused again: resending would fill the backlog with it for good."""
    verdict = judge(Answer(status=status), items=3)

    assert (verdict.again, verdict.accepted, verdict.refused) == ((), 0, 3)


def test_of_a_partial_success_only_what_may_work_goes_again() -> None:
    verdict = judge(Answer(status=206, body=account((0, 400), (2, 500), (3, 429), (9, 500), (-1, 500))), items=5)

    assert (verdict.again, verdict.accepted, verdict.refused) == ((2, 3), 2, 1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": 7}', b"\xff", b'{"errors":[{"index":"0"}]}'])
def test_an_unreadable_account_is_taken_at_its_status(body: bytes) -> None:
    assert judge(Answer(status=200, body=body), items=3).accepted == 3
    assert judge(Answer(status=206, body=body), items=3).refused == 3


@pytest.mark.parametrize("body", [b"{}", b'{"errors":null}', b'{"errors":[]}'])
def test_an_account_without_errors_accepts_everything(body: bytes) -> None:
    verdict = judge(Answer(status=206, body=body), items=3)

    assert (verdict.accepted, verdict.error) == (3, None)


@given(
    st.integers(100, 599),
    st.binary() | st.lists(st.tuples(st.integers(-2, 9), st.integers(0, 600))).map(lambda errors: account(*errors)),
    st.integers(1, 8),
)
def test_every_item_is_settled_exactly_once(status: int, body: bytes, items: int) -> None:
    verdict = judge(Answer(status=status, body=body), items=items)

    assert verdict.accepted + verdict.refused + len(verdict.again) == items
    assert set(verdict.again) <= set(range(items))


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("9" * 5000, 3600.0),
        ("Sun, 01 Mar 2026 00:00:30 GMT", 30.0),
        ("Sat, 28 Feb 2026 00:00:00 GMT", 0.0),
        ("Mon, 01 Mar 2027 00:00:00 GMT", 3600.0),
        ("Sun, 01 Mar 2026 00:00:30 -0000", None),
    ],
)
def test_reads_both_forms_of_retry_after(header: str | None, wait_s: float | None) -> None:
    assert asked_wait_s(header, now=NOW) == wait_s
