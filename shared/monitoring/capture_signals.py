"""What the account says about capture, as signals: each with its verdict and reasons.

A partition that was quiet and gets an event does not lag, though its cursor is old: what counts is how long something has
been waiting above the cursor. The hub says when its newest event came, not its oldest. So what it had at one look is
remembered until the cursor has passed it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.documents import Document
from shared.sealing.accounting import discrepancies
from shared.sealing.accounting.account import Account, Discrepancy, PartitionAccount, unaccepted
from shared.signals.judgement import Judgement, Signal, Verdict

LAST_LOOK_PATH: Final = "monitoring/account.json"
MEND: Final = "`python manage.py verify` says more, and what to do"
_MOST_REASONS: Final = 10


class LastLook(Document, frozen=True, kw_only=True):
    """What one look leaves to the next.

    Attributes:
        waiting: by partition, a number that the hub had above the cursor, and when that was first seen.
        open_since: the first hour of the account that did not close, so that what is wrong stays in sight until it is
            mended; None when it closed, and before anything was sealed.
    """

    waiting: dict[str, tuple[int, datetime]]
    open_since: str | None


@dataclass(frozen=True, slots=True)
class Wait:
    """How long, in seconds, something has been waiting above a partition's cursor; 0 when nothing is."""

    partition: PartitionAccount
    seconds: float
    is_moving: bool


def remembered(last: LastLook | None, account: Account) -> LastLook:
    """Return what is to be remembered after a look: of each partition the oldest number known to be waiting.

    While the hub cannot be asked, what was known stays; what a cursor has passed by then falls away at the next look
    that can ask. Otherwise a hub that fails every second look would hide for ever that something is stuck.
    """
    known = last.waiting if last is not None else {}
    waiting: dict[str, tuple[int, datetime]] = {} if account.hub_problem is None else dict(known)
    for one in account.partitions:
        if one.in_flight:
            before = known.get(one.name)
            is_still_there = before is not None and before[0] > one.cursor
            waiting[one.name] = (
                before if before is not None and is_still_there else (one.cursor + one.in_flight, account.at)
            )
    return LastLook(waiting=waiting, open_since=account.start if _of_the_account(account) else None)


def waits(look: LastLook, account: Account, *, speed: float, limit_s: float) -> list[Wait]:
    """Return how long something has been waiting in each live partition, at least; in real seconds.

    Args:
        look: as ``remembered`` returned it.
        account: of this look.
        speed: how many seconds of the calendar pass in a real one.
        limit_s: a cursor that moved within so many seconds is moving.
    """

    def real_s(since: datetime) -> float:
        return max(0.0, (account.at - since).total_seconds()) / (speed or 1.0)

    found: list[Wait] = []
    for one in account.partitions:
        if not one.in_flight:
            found += [Wait(one, 0.0, is_moving=True)] if one.in_flight == 0 else []
            continue
        seen_s = real_s(look.waiting[one.name][1])
        newest_s = real_s(one.newest_at) if one.newest_at is not None else 0.0
        is_moving = one.moved_at is not None and real_s(one.moved_at) <= limit_s
        found.append(Wait(one, max(seen_s, newest_s), is_moving))
    return found


def judge_capture(account: Account, waits: Iterable[Wait], *, limit_s: float) -> tuple[Judgement, ...]:
    """Judge every signal of capture."""
    late = [wait for wait in waits if wait.seconds > limit_s]
    stuck = [wait for wait in late if not wait.is_moving]
    return (
        # All there are, however old: the account is one of the last days, and nobody took note of these either.
        _judged(Signal.CAPTURE_GAP, [discrepancies.gap(one) for one in unaccepted(account.gaps)]),
        _waiting(Signal.CAPTURE_STUCK, stuck, account, "its cursor has not moved meanwhile"),
        _waiting(Signal.CAPTURE_LAG, [wait for wait in late if wait.is_moving], account, "capture is behind"),
        _judged(Signal.SPOOL, [one for one in account.wrong if one.what == "spool"]),
        _judged(Signal.ACCOUNT, _of_the_account(account)),
    )


def missing_events(account: Account) -> int:
    """Return how many events must be there and are not, of all partitions that have too few."""
    return sum(max(0, one.last - one.first + 1 - one.lost - one.events) for one in account.partitions)


def _of_the_account(account: Account) -> list[Discrepancy]:
    """Return what is wrong and has no signal of its own."""
    return [one for one in account.wrong if one.what not in {"gap", "spool"}]


def _judged(signal: Signal, wrong: list[Discrepancy]) -> Judgement:
    return _judgement(signal, [f"{one.where}: {one.why}" for one in wrong], Verdict.OK)


def _waiting(signal: Signal, waits: list[Wait], account: Account, what: str) -> Judgement:
    reasons = [
        f"{wait.partition.name}: {wait.partition.in_flight} events wait above number {wait.partition.cursor}, for "
        f"{wait.seconds:.0f} s or more, and {what}"
        for wait in sorted(waits, key=lambda wait: -wait.seconds)
    ]
    return _judgement(signal, reasons, Verdict.UNKNOWN if account.hub_problem is not None else Verdict.OK)


def _judgement(signal: Signal, reasons: list[str], otherwise: Verdict) -> Judgement:
    more = len(reasons) - _MOST_REASONS
    told = [*reasons[:_MOST_REASONS], *([f"and {more} more"] if more > 0 else []), *([MEND] if reasons else [])]
    verdict = Verdict.BREACH if reasons else otherwise
    return Judgement(signal=signal, verdict=verdict, reasons=tuple(told), measurements=())
