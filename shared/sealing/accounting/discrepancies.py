"""What can be wrong with what is stored, each in words: what it is, where, why, and what to do about it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from shared.capture.gap import Gap
from shared.hours import Hour
from shared.sealing.accounting.account import Discrepancy, Span
from shared.sealing.hours.hour import Consumed
from shared.sealing.tables.logs import LogName

HALF_ERASED: Final = "half_erased"
_BACKUP = "restore it from a backup (soft delete, if the account has it)"


def numbers(span: Span, hour: Hour | None, why: str) -> Discrepancy:
    """Events are lost or there too often."""
    when = f"in the hour {hour.key}" if hour is not None else f"after the last hour, up to {span.last}"
    return Discrepancy(
        what="events",
        where=span.name,
        why=f"{when}: {why}",
        mend=f"`verify --deep` names the numbers; for what is missing, find the log or the hour it was in and {_BACKUP}",
    )


def ranges(span: Span, what: str, found: Iterable[tuple[int, int]]) -> Discrepancy:
    """The numbers themselves: those that are missing, or there more than once."""
    named = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in found)
    return Discrepancy(
        what="numbers",
        where=span.name,
        why=f"{what}: {named}",
        mend=f"of what is missing, find the log or the hour and {_BACKUP}, or take note of the loss: "
        f"`manage.py verify --deep --accept-gap {span.name}/<from>-<to> --by NAME`; what is doubled stands in a copy of one",
    )


def no_cursor(incarnation: str, partition: int) -> Discrepancy:
    """Events of a partition that has no cursor."""
    return Discrepancy(
        what="no_cursor",
        where=f"{incarnation}/p{partition}",
        why="there are events of it and no cursor, so that nobody knows from where to where they must be",
        mend=_BACKUP,
    )


def gap(one: Gap) -> Discrepancy:
    """Numbers that the hub let go before they were captured, of which nobody took note yet."""
    name = f"{one.incarnation}/p{one.partition}/{one.first}-{one.last}"
    return Discrepancy(
        what="gap",
        where=name,
        why=f"{one.last - one.first + 1} events were lost: the hub let them go before they were captured",
        mend=f"`manage.py verify --accept-gap {name} --by NAME` takes note of the loss",
    )


def old_spool(waiting: int, oldest_s: float, limit_s: float) -> Discrepancy:
    """Events that have waited in the spool too long."""
    return Discrepancy(
        what="spool",
        where="captures/spool/",
        why=f"{waiting} wait in it, the oldest for {oldest_s:.0f} s; {limit_s:g} s are allowed",
        mend="see whether Event Hubs can be reached, and whether the timer `drain` runs",
    )


def torn_log(path: str, size: int, consumed: int) -> Discrepancy:
    """A log that is shorter than what was sealed of it."""
    return Discrepancy(
        what="torn_log",
        where=path,
        why=f"it has {size} bytes, and {consumed} were sealed",
        mend="what was sealed is in its hour's rows; put the log back before the hub delivers these events again",
    )


def bad_line(path: str, why: str) -> Discrepancy:
    """A line that capture does not write."""
    return Discrepancy(what="bad_line", where=path, why=why, mend=f"it was changed by hand or cut: {_BACKUP}")


def not_sealed(path: str, start: int, end: int) -> Discrepancy:
    """Bytes that were there when the watermark passed their hour, and are in no generation."""
    return Discrepancy(
        what="not_sealed",
        where=path,
        why=f"the bytes from {start} to {end} are in no sealed hour, and the watermark has passed it",
        mend="the timer `seal` adds them; if it does not, the hour's manifest is gone or seal fails: see its log",
    )


def changed_log(part: Consumed) -> Discrepancy:
    """A log whose sealed bytes are others by now."""
    return Discrepancy(
        what="changed_log",
        where=part.log,
        why=f"the bytes from {part.start} to {part.end} have another SHA-256 than when they were sealed",
        mend=f"the rows are as they were sealed; the log was changed since: {_BACKUP}",
    )


def recount_differs(folder: str, number: int) -> Discrepancy:
    """A generation whose account is not that of its logs."""
    return Discrepancy(
        what="recount",
        where=folder,
        why=f"the account of generation {number} is not what its logs add up to",
        mend=f"the logs or the manifest were changed: {_BACKUP}",
    )


def rolls_missing(paths: Iterable[str]) -> Iterator[Discrepancy]:
    """Yield a finding for each roll of a log that must be there because a later one is; of the logs of one hour."""
    rolls: defaultdict[str, set[int]] = defaultdict(set)
    for path in paths:
        rolls[path[: path.rindex("-r")]].add(LogName.of(path).roll)
    for log, found in sorted(rolls.items()):
        for roll in sorted(set(range(max(found))) - found):
            yield Discrepancy(
                what="missing_roll",
                where=f"{log}-r{roll}.jsonl",
                why=f"the log rolled over to r{max(found)}, and this roll of it is not there",
                mend=_BACKUP,
            )


def file_missing(path: str) -> Discrepancy:
    """A file that a manifest names and that is not there."""
    return Discrepancy(what="missing_file", where=path, why="a manifest names it, and it is not there", mend=_BACKUP)


def torn_file(path: str, size: int, expected: int) -> Discrepancy:
    """A file of another size than its manifest says."""
    return Discrepancy(
        what="torn_file", where=path, why=f"it has {size} bytes, and its manifest says {expected}", mend=_BACKUP
    )


def half_erased(path: str) -> Discrepancy:
    """Rows that an erasure has begun with."""
    return Discrepancy(
        what=HALF_ERASED,
        where=path,
        why="rows of it are being erased, or an erasure ended before it was done",
        mend="`manage.py erase --status` names erasures that are not done; run the command of that one again",
    )


def erasing(path: str) -> Discrepancy:
    """An erasure that goes on while the account is drawn up, or ended before it was done."""
    return Discrepancy(
        what="erasing",
        where=path,
        why="an erasure is under way: what else is wrong may be of rows that were on their way between two reads",
        mend="verify again once it is done; `manage.py erase --status` names those that are not",
    )


def damaged(path: str, why: str) -> Discrepancy:
    """A file that is not what it was when it was written."""
    return Discrepancy(what="damaged_file", where=path, why=why, mend=_BACKUP)


def stray_rows(path: str) -> Discrepancy:
    """A file that no manifest names, and that whoever reads the folder takes for rows of the hour."""
    return Discrepancy(
        what="stray_rows",
        where=path,
        why="no manifest names it, and the watermark has passed its hour",
        mend="the hour's manifest is gone or older than its rows; the timer `seal` finishes what was begun, else: "
        + _BACKUP,
    )


def hour_missing(path: str, why: str) -> Discrepancy:
    """A sealed hour that must be there, since its day has it."""
    return Discrepancy(what="missing_hour", where=path, why=why, mend=_BACKUP)


def day_differs(path: str, why: str) -> Discrepancy:
    """A day that does not say what its hours say."""
    return Discrepancy(what="day", where=path, why=why, mend="delete it: it is rolled up again from its hours")
