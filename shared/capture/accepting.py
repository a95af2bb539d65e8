"""Taking note of a loss: who did, and when."""

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from shared import documents
from shared.blobs import Blobs
from shared.capture.gap import Gap, gap_path
from shared.clock import Clock
from shared.errors import UnknownGap

_NAMED: Final = re.compile(r"(?P<incarnation>[^/]+)/p(?P<partition>\d+)/(?P<first>\d+)-(?P<last>\d+)")


@dataclass(slots=True)
class Accepting:
    """Accepts gaps."""

    blobs: Blobs
    clock: Clock

    async def accept(self, name: str, *, by: str) -> Gap:
        """Write down who took note of a gap, and return it; once somebody has, it stays as it is.

        Args:
            name: ``<incarnation>/p<partition>/<from>-<to>``, as ``verify`` says it.
            by: who does.

        Raises:
            UnknownGap: no such gap is written down.
            BlobChanged: others were faster twenty times in a row.
        """
        named = _NAMED.fullmatch(name)
        if named is None:
            raise UnknownGap(name)
        path = gap_path(named["incarnation"], named["partition"], int(named["first"]), int(named["last"]))
        now = self.clock.now()

        def note(gap: Gap | None) -> Gap:
            if gap is None:
                raise UnknownGap(name)
            return gap if gap.accepted_by else msgspec.structs.replace(gap, accepted_by=by, accepted_at=now)

        return await documents.swap(self.blobs, path, Gap, note)
