"""Whether what a plan names is still what it was, and if it is not, why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from shared.actuals.reading import Joins
from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.datasets.manifest import Input, Use
from shared.datasets.scratch import Scratch
from shared.errors import BlobMissing, InvalidDocument
from shared.hours import Hour
from shared.registry.store import Registry
from shared.sealing.frames import let_go
from shared.sealing.hours.manifests import Manifests

TAKEN: Final = frozenset({Use.PREDICTIONS, Use.ACTUALS, Use.ORIGINAL})
"""The uses of inputs without which rows cannot be taken again; of the others the plan holds what it took."""

_AT_ONCE: Final = 4
_OF_ORIGINAL: Final = (
    "an erasure deletes training data with somebody's rows; the same file can be handed over by --original FILE"
)


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is not what it was when a dataset was planned; ``use`` is that of an input, or ``plan``."""

    path: str
    use: str
    how: Literal["gone", "changed", "merged"]
    reason: str


@dataclass(frozen=True, slots=True)
class Surviving:
    """Looks after the inputs of one model's plans."""

    blobs: Blobs
    registry: Registry
    manifests: Manifests
    joins: Joins
    model: str

    async def missing(self, inputs: Sequence[Input]) -> list[Input]:
        """Return those that are not there, in their order."""
        found = await each(inputs, self._is_there)
        return [one for one, is_there in zip(inputs, found, strict=True) if not is_there]

    async def merged(self, gone: Input) -> list[Input]:
        """Return what has taken the place of joined rows that are gone: they are merged as more are joined.

        What has come since is among them, and counts for nothing: it was enqueued after the plan's ``as_of``. There is
        nothing where the hour is not kept any more.
        """
        if gone.use is not Use.ACTUALS or gone.hour is None or gone.version is None:
            return []
        version = await self.registry.manifest(self.model, gone.version)
        hour = Hour.parse(gone.hour)
        return [
            msgspec.structs.replace(
                gone, path=one.path, sha256=one.file.sha256, size_bytes=one.file.size_bytes, rows=one.file.rows
            )
            for one in await self.joins.files(version, hour, hour.plus(1))
        ]

    async def changed(
        self, inputs: Sequence[Input], scratch: Scratch, *, told: Callable[[int, int], None]
    ) -> list[Input]:
        """Return those whose bytes are others, in their order; what was fetched stays in ``scratch`` as far as there is room."""

        async def is_changed(one: Input) -> bool:
            try:
                await scratch.fetch([one])
            except (BlobMissing, InvalidDocument):
                return True
            return False

        found = await each(inputs, is_changed, at_once=_AT_ONCE, done=told)
        return [one for one, is_other in zip(inputs, found, strict=True) if is_other]

    async def explained(self, one: Input, how: Literal["gone", "changed"]) -> Lost:
        """Return why an input is not what it was, as far as anything says so."""
        return Lost(path=one.path, use=one.use.value, how=how, reason=await self._reason(one, how))

    async def _is_there(self, one: Input) -> bool:
        return any([stored.path == one.path async for stored in self.blobs.under(one.path)])

    async def _reason(self, one: Input, how: Literal["gone", "changed"]) -> str:
        if one.use not in TAKEN:
            return "the plan holds what was taken of it"
        if one.hour is None or one.version is None:
            return _OF_ORIGINAL
        shelf, hour = Shelf(Kind.PREDICTION, self.model, one.version), Hour.parse(one.hour)
        if await let_go(self.blobs, shelf, [one.hour[:10]]):
            return f"retention has let the rows of {one.hour[:10]} go (HOURS_KEPT_DAYS)"
        if one.use is Use.PREDICTIONS and await self._is_rewritten(one, shelf, hour):
            return "rows were erased from it"
        return "nothing says why: it was deleted by hand" if how == "gone" else "nothing says why: it was damaged"

    async def _is_rewritten(self, one: Input, shelf: Shelf, hour: Hour) -> bool:
        """Whether the manifest of its hour has a file of sealed rows as another one now, which nothing but an erasure makes it."""
        name = one.path.rpartition("/")[2]
        return any(
            generation.rows_file == name and generation.sha256 != one.sha256
            for sealed in await self.manifests.between(shelf, hour, hour.plus(1))
            for generation in sealed.manifest.generations
        )
