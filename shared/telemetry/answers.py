"""What an answer of the ingestion endpoint means for the batch it answers. Rules only."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec

# time-out, too many, over the daily quota, and the server's own troubles: the same batch may be taken later
RETRYABLE = frozenset({408, 429, 439, 500, 502, 503, 504})

# a wrong Retry-After must not end telemetry for good
_LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer; ``retry_after`` is the header as it came."""

    status: int
    body: bytes = b""
    retry_after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a batch: ``again`` are the indexes to send once more; the counts are of the other items.

    ``error`` is None when everything was accepted.
    """

    accepted: int
    refused: int
    again: tuple[int, ...]
    error: str | None


class _Rejection(msgspec.Struct):
    index: int
    status: int = msgspec.field(name="statusCode")


class _Account(msgspec.Struct):
    errors: tuple[_Rejection, ...] | None = None


def judge(answer: Answer, *, items: int) -> Verdict:
    """Say what became of each of ``items`` sent.

    A 200 or 206 with an account that cannot be read is taken at its status: all accepted for 200; for 206, where some
    were refused and nobody can say which, all count as refused, because sending them again would count the others
    twice.
    """
    if answer.status in RETRYABLE:
        return Verdict(accepted=0, refused=0, again=tuple(range(items)), error=f"HTTP {answer.status}")
    if not 200 <= answer.status < 300:
        return Verdict(accepted=0, refused=items, again=(), error=f"HTTP {answer.status}")
    try:
        account = msgspec.json.decode(answer.body, type=_Account)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if answer.status == 206:
            return Verdict(accepted=0, refused=items, again=(), error="HTTP 206 with an unreadable account")
        return Verdict(accepted=items, refused=0, again=(), error=None)
    rejected = {one.index: one.status for one in account.errors or () if 0 <= one.index < items}
    again = tuple(sorted(index for index, status in rejected.items() if status in RETRYABLE))
    return Verdict(
        accepted=items - len(rejected),
        refused=len(rejected) - len(again),
        again=again,
        error=f"{len(rejected)} of {items} items: HTTP {sorted(set(rejected.values()))}" if rejected else None,
    )


def asked_wait_s(retry_after: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, at most an hour; None if it says nothing readable.

    The header holds seconds or an HTTP date. ``now`` is real time.

    >>> asked_wait_s("7", now=datetime.min)
    7.0
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        # a float of a very long number is infinite, which min() cuts; int() would refuse it
        return min(float(text), _LONGEST_WAIT_S)
    try:
        return min(max((parsedate_to_datetime(text) - now).total_seconds(), 0.0), _LONGEST_WAIT_S)
    except (ValueError, TypeError):
        return None
