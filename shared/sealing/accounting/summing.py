"""Add up a day of one shelf: from its hours, or once retention has taken those, from what was written down of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.hours import Hour
from shared.sealing.accounting import discrepancies
from shared.sealing.accounting.account import Booked, Discrepancy, Totals
from shared.sealing.accounting.books import DEAD_FOLDER, ShelfHour
from shared.sealing.days.day import Day, DayAccount, ShelfAccount
from shared.sealing.hours.failures import added_up
from shared.sealing.hours.tally import merged


@dataclass(frozen=True, slots=True)
class HoursKept:
    """How long sealed hours are kept, as of ``now``; 0 days mean for ever."""

    days: int
    now: datetime

    def may_be_gone(self, date: str) -> bool:
        """Whether retention may have taken the hours of a date."""
        return self.days > 0 and Hour.parse(f"{date}T00").start + timedelta(days=self.days + 1) <= self.now


def from_account(shelf: str, date: str, kept: ShelfAccount) -> tuple[list[Booked], Totals]:
    """Return what is known of a shelf's day whose hours are gone, as if all of it had been in its first hour."""
    first = Hour.parse(f"{date}T00")
    events = sum(one.events for one in kept.account)
    is_dead = shelf == DEAD_FOLDER
    totals = Totals(
        events=events,
        dead_letters=events if is_dead else 0,
        rows=0 if is_dead else kept.rows,
        imported=kept.imported,
        erased=kept.erased,
        doubles=kept.doubles,
        unreadable=kept.unreadable,
    )
    return [Booked(first, one) for one in kept.account], totals


def problems_of_day(path: str, day: Day, hours: Sequence[ShelfHour]) -> Iterator[Discrepancy]:
    """Yield where a rolled-up day and the manifests of its hours do not say the same."""
    sealed = {one.hour.key: one for one in hours if one.manifest is not None}
    for listed in day.hours:
        one = sealed.pop(listed.hour, None)
        if one is None:
            yield discrepancies.hour_missing(
                f"{path}#{listed.hour}", "the day was made from it, and it has no manifest"
            )
        elif one.sha256 != listed.sha256:
            yield discrepancies.day_differs(
                path, f"the manifest of {listed.hour} is another than the day was made from"
            )
    for key in sealed:
        yield discrepancies.day_differs(path, f"it lacks the hour {key}")
    manifests = [one.manifest for one in hours if one.manifest is not None]
    says = (day.account, day.rows, day.doubles, day.unreadable, day.imported, day.erased)
    has = (
        merged(one for manifest in manifests for one in manifest.account),
        sum(one.rows for one in manifests),
        sum(one.doubles for one in manifests),
        sum(one.unreadable for one in manifests),
        sum(one.imported for one in manifests),
        sum(one.erased for one in manifests),
    )
    if says != has:
        yield discrepancies.day_differs(path, "its account is not what its hours add up to")
    # A day that was rolled up before failures were counted has none, whatever its hours say.
    if day.failures is not None and day.failures != added_up(one.failures for one in manifests):
        yield discrepancies.day_differs(path, "its failures are not what its hours add up to")


def problems_of_account(
    shelf: str, date: str, account: DayAccount | None, hours: Sequence[ShelfHour]
) -> Iterator[Discrepancy]:
    """Yield a discrepancy where a day had more events than its hours have, or rows and no hour is left: neither shrinks."""
    noted = account.shelves.get(shelf) if account is not None else None
    if noted is None:
        return
    manifests = [one.manifest for one in hours if one.manifest is not None]
    had = sum(one.events for one in noted.account)
    has = sum(one.events for manifest in manifests for one in manifest.account)
    if has < had or (noted.rows and not manifests):
        why = f"{had} events and {noted.rows} rows of that day were sealed, and {has} events are there"
        yield discrepancies.hour_missing(f"captures/hours/{shelf}/date={date}/", why)
