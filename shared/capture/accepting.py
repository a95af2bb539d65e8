"""Taking note of a loss: who did, and when."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from shared import documents
from shared.blobs import Blobs
from shared.capture.gap import Gap, gap_path, uncovered
from shared.clock import Clock
from shared.errors import UnknownGap

_NAMED: Final = re.compile(r"(?P<incarnation>[^/]+)/p(?P<partition>\d+)/(?P<first>\d+)-(?P<last>\d+)")


@dataclass(slots=True)
class Accepting:
    """Accepts gaps."""

    blobs: Blobs
    clock: Clock

    async def accept(self, name: str, *, by: str, missing: Collection[tuple[str, int, int, int]] = ()) -> Gap:
        """Write down who took note of a gap, and return it; once somebody has, it stays as it is.

        Args:
            name: ``<incarnation>/p<partition>/<from>-<to>``, as ``verify`` says it.
            by: who does.
            missing: (incarnation, partition, first, last) of what a deep account did not find: numbers that are all among
                them become a gap by being taken note of.

        Raises:
            UnknownGap: no such gap is written down, and not all of its numbers are known to be missing.
            BlobChanged: others were faster twenty times in a row.
        """
        named = _NAMED.fullmatch(name)
        if named is None:
            raise UnknownGap(name)
        incarnation, partition = named["incarnation"], int(named["partition"])
        first, last = int(named["first"]), int(named["last"])
        now = self.clock.now()
        holes = [(begins, ends) for *whose, begins, ends in missing if whose == [incarnation, partition]]
        is_missing = first <= last and not any(uncovered(first, last, holes))

        def note(gap: Gap | None) -> Gap:
            if gap is None and is_missing:
                gap = Gap(incarnation=incarnation, partition=partition, first=first, last=last, found_at=now)
            if gap is None:
                raise UnknownGap(name)
            return gap if gap.accepted_by else msgspec.structs.replace(gap, accepted_by=by, accepted_at=now)

        return await documents.swap(self.blobs, gap_path(incarnation, str(partition), first, last), Gap, note)
