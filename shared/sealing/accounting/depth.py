"""What only the bytes themselves can tell: hashes of rows, their order, every id once, and the numbers one by one."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.gap import Gap
from shared.errors import BlobMissing, InvalidDocument
from shared.profiles import encoding
from shared.profiles.profile import Profile
from shared.sealing.accounting import discrepancies
from shared.sealing.accounting.account import Discrepancy, Span
from shared.sealing.accounting.books import ShelfHour
from shared.sealing.accounting.counting import Counted, Whose
from shared.sealing.accounting.examining import Doubled, Examined, examine
from shared.sealing.accounting.numbers import Numbers, Range, missing, outside, too_often
from shared.sealing.days.day import is_named_after
from shared.sealing.hours.hour import Generation
from shared.sealing.hours.tally import Tally

_FILES_AT_ONCE: Final = 4


@dataclass(slots=True)
class Depth:
    """Reads every rows file and profile of some hours, and the profiles of days; ``missing`` are numbers it did not find."""

    blobs: Blobs
    missing: list[Span] = field(default_factory=list)

    async def check(
        self,
        hours: Sequence[tuple[ShelfHour, Counted]],
        spans: Sequence[Span],
        gaps: Sequence[Gap],
        *,
        unread: Sequence[Tally],
    ) -> list[Discrepancy]:
        """Return what is wrong with the bytes of hours, and which numbers of the spans are missing or too often there.

        Args:
            hours: as they were counted, with the numbers in their logs.
            spans: what must be there.
            gaps: what is known to be lost.
            unread: what is known of days whose hours are gone; a number that may be among them is not called missing.
        """
        wrong: list[Discrepancy] = []
        numbers: defaultdict[Whose, list[Numbers]] = defaultdict(list)
        hidden: defaultdict[Whose, list[Range]] = defaultdict(list)
        for day in unread:
            hidden[day.incarnation, day.partition].append((day.first, day.last))
        for _, counted in hours:
            for whose, some in counted.numbers.items():
                numbers[whose] += some
        by_shelf: defaultdict[str, list[tuple[ShelfHour, Generation, int | None]]] = defaultdict(list)
        for one, counted in hours:
            for generation in one.manifest.generations if one.manifest is not None else ():
                by_shelf[one.shelf].append((one, generation, counted.lines.get(generation.number)))
        for files in by_shelf.values():
            wrong += await self._shelf(files, numbers, hidden)
        for span in spans:
            whose = span.incarnation, span.partition
            lost = [(gap.first, gap.last) for gap in gaps if (gap.incarnation, gap.partition) == whose]
            found = np.concatenate([np.empty(0, np.int64), *numbers[whose]])
            told = {
                "missing": missing(found, span.first, span.last, [*lost, *hidden[whose]]),
                "there more than once": too_often(found),
                "there, and outside of what is captured": outside(found, span.first, span.last),
            }
            wrong += [discrepancies.ranges(span, what, ranges) for what, ranges in told.items() if ranges]
            self.missing += [Span(*whose, *one) for one in told["missing"]]
        return wrong

    async def check_days(self, profiles: Sequence[str]) -> list[Discrepancy]:
        """Return which profiles of days are not what they were; one that is gone meanwhile says nothing."""

        async def has_changed(path: str) -> bool:
            try:
                data = (await self.blobs.read(path)).data
            except BlobMissing:
                return False
            return not is_named_after(path, data)

        changed = await each(profiles, has_changed)
        return [
            discrepancies.damaged(path, "it has another SHA-256 than its name says")
            for path, is_changed in zip(profiles, changed, strict=True)
            if is_changed
        ]

    async def _shelf(
        self,
        files: list[tuple[ShelfHour, Generation, int | None]],
        numbers: defaultdict[Whose, list[Numbers]],
        hidden: defaultdict[Whose, list[Range]],
    ) -> list[Discrepancy]:
        """Examine the files of one shelf in the order of their lowest ids, of which those that overlap are compared."""
        wrong: list[Discrepancy] = []
        doubled = Doubled()
        files.sort(key=lambda file: file[1].footer.min_id or "")
        for start in range(0, len(files), _FILES_AT_ONCE):
            some = files[start : start + _FILES_AT_ONCE]
            for (one, generation, lines), examined in zip(some, await each(some, self._examine), strict=True):
                if examined is None:
                    continue  # that it is missing is known
                path = f"{one.folder}{generation.rows_file}"
                wrong += [discrepancies.damaged(path, why) for why in examined.problems]
                double = doubled.add(path, examined.ids)
                if double is not None:
                    wrong.append(discrepancies.damaged(path, double))
                if lines is None:
                    _take_from_rows(generation, examined, numbers, hidden)
        return wrong

    async def _examine(self, file: tuple[ShelfHour, Generation, int | None]) -> Examined | None:
        one, generation, lines = file
        try:
            data = (await self.blobs.read(f"{one.folder}{generation.rows_file}")).data
            examined = await asyncio.to_thread(examine, data, generation, lines)
            if generation.profile is not None:
                path = f"{one.folder}{generation.profile}"
                profile = (await self.blobs.read(path)).data
                read = await asyncio.to_thread(encoding.decode, profile, Profile, path=path)
                if read.rows != generation.footer.rows:
                    examined.problems.append(f"its profile is of {read.rows} rows")
        except BlobMissing:
            return None
        except InvalidDocument as invalid:
            examined.problems.append(str(invalid))
        return examined


def _take_from_rows(
    generation: Generation,
    examined: Examined,
    numbers: defaultdict[Whose, list[Numbers]],
    hidden: defaultdict[Whose, list[Range]],
) -> None:
    """Take a generation's numbers from its rows where its logs are gone: they are all there if nothing was left out."""
    for one in generation.footer.account:
        whose = one.incarnation, one.partition
        found = examined.numbers.get(one.partition)
        if found is not None and examined.has_all_numbers:
            numbers[whose].append(found)
        else:
            hidden[whose].append((one.first, one.last))
