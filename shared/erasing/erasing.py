"""Erase a subject: find by which ids it is known, write down their hashes, and take its rows away, place by place."""

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared import documents
from shared.actuals.stepping import Stepping
from shared.blobs import Blobs
from shared.capture.cursor import Cursors
from shared.capture.hour_log import HourLogs
from shared.capture.records import Kind, Shelf
from shared.clock import Clock
from shared.erasing.baselines import BaselinesPlace
from shared.erasing.built import BuildsPlace, DatasetsPlace, OriginalsPlace, RequestsPlace
from shared.erasing.copies import AnswersPlace, TrainingSetsPlace
from shared.erasing.joined import JoinedPlace
from shared.erasing.let_go import let_go_until
from shared.erasing.letters import DeadLettersPlace, ImportsPlace, SpoolPlace
from shared.erasing.logs import HourLogsPlace, Taking
from shared.erasing.place import Finder, Place, Source
from shared.erasing.sealed import SealedPlace
from shared.erasing.subject import Subject, forms
from shared.erasing.tombstone import Erasure, added, check, erasure_path
from shared.errors import BlobChanged, ErasureOutrun, ErasureWaits
from shared.ids import uuid7
from shared.registry.store import Registry
from shared.sealing.hours.chaining import Chaining
from shared.sealing.hours.erased import ERASURES, ErasedIds, ErasedRecords, erased_folder
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.manifests import Manifests

_MOST_PASSES: Final = 5
_SALT_BYTES: Final = 16
_BY_EXTERNAL_ID: Final = "_external_id"

Done = Callable[[int, int], None]
"""Told how many places were gone through, and of how many."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an erasure came to.

    Attributes:
        rows: how many rows there were, by the kind of place.
        is_dry: whether they are all still there.
        untold: by version, why its rows cannot be told apart by the feature.
        spooled: how many records wait in the spool; they are dropped when they are sealed.
        resends_until: until when what the hub delivers again is dropped.
        hub_until: until when the hub may still hold events with the subject's records.
        let_go_until: the last date of predictions whose hours retention took, None where it took none: what was copied
            of them and has no more than their ids could not be looked for.
    """

    rows: dict[str, int]
    is_dry: bool
    untold: dict[str, str]
    spooled: int
    resends_until: datetime
    hub_until: datetime
    let_go_until: str | None


@dataclass(slots=True)
class Erasing:
    """Erases subjects.

    ``sources`` have whole records; ``copies`` are what was made of them, and come after them.
    """

    blobs: Blobs
    registry: Registry
    clock: Clock
    privacy_key: bytes
    hub_keeps: timedelta
    taking: Taking
    sealed: SealedPlace
    spool: SpoolPlace
    sources: Sequence[Source]
    copies: Sequence[Place]
    _erased: ErasedIds = field(init=False)

    def __post_init__(self) -> None:
        self._erased = ErasedIds(self.blobs)

    async def subject(
        self, model: str, *, external_id: str | None = None, feature: str | None = None, value: str | None = None
    ) -> tuple[Subject, dict[str, str]]:
        """Return a subject that is known by an external id, or by the value of a feature; and what versions cannot tell.

        Raises:
            UnknownModel: no version of the model is registered.
            InvalidSchema: no version has the feature, or the value is none of it.
            Inseparable: rows cannot be told apart by it.
            UnfitPrivacyKey: it is hashed with another key than is set.
        """
        versions = await self.registry.versions(model)
        if feature is None or value is None:
            return Subject(model=model, external_id=external_id, stored={}), {}
        found = forms(versions, feature, value, key=self.privacy_key)
        return Subject(model=model, feature=feature, stored=found.stored), found.untold

    async def erase(
        self,
        model: str,
        *,
        external_id: str | None = None,
        feature: str | None = None,
        value: str | None = None,
        is_dry: bool = False,
        done: Done = lambda _, __: None,
    ) -> Report:
        """Take every row of a subject out of everything that is stored.

        It looks again until there is none. Killed at any point and run again, it comes to the same state; run once more,
        it finds nothing.

        Raises:
            as ``subject`` does.
            ErasureWaits: the rest can be erased once capture has moved on.
            ErasureOutrun: more of the subject kept coming.
            StorageUnavailable, BlobChanged, InvalidDocument: what was erased is; run it again.
        """
        subject, untold = await self.subject(model, external_id=external_id, feature=feature, value=value)
        now = self.clock.now()
        if is_dry:
            known = await self._find(replace(subject, hashes=await self._erased.of(model)))
            rows = await self._pass(known, is_dry=True, done=done)
            return await self._report(known, rows, untold, now, is_dry=True)
        by, said = (_BY_EXTERNAL_ID, external_id) if feature is None else (feature, value)
        name, erasure, is_resumed = await self._begin(model, by, str(said), now)
        self.taking.waiting.clear()
        subject = replace(subject, is_new=is_resumed)
        rows = erasure.rows
        for _ in range(_MOST_PASSES):
            subject = await self._know(subject, name, now)
            found = await self._pass(subject, is_dry=False, done=done)
            rows = added(rows, found)
            await self._note(name, msgspec.structs.replace(erasure, rows=rows))
            if self.taking.waiting:
                raise ErasureWaits(tuple(dict.fromkeys(self.taking.waiting)))
            if not sum(found.values()):
                break
            subject = replace(subject, is_new=False)
        else:
            raise ErasureOutrun(model, passes=_MOST_PASSES)
        report = await self._report(subject, rows, untold, now, is_dry=False)
        await self._note(
            name,
            msgspec.structs.replace(
                erasure, rows=rows, ended_at=now, resends_until=report.resends_until, salt=None, check=None
            ),
        )
        logger.info("subject erased", extra={"model": model, "rows": sum(rows.values())})
        return report

    async def unfinished(self) -> list[Erasure]:
        """Return the erasures that were begun and are not done, the oldest first."""
        return [one for _, one in await self._erasures() if one.ended_at is None]

    async def _know(self, subject: Subject, name: str, now: datetime) -> Subject:
        """Return the subject with all its ids known, whose hashes are written down by then.

        What sealers intended is carried out in between: whatever is sealed later leaves those ids out, so that a look at
        sealed hours from here on sees all there will ever be.
        """
        is_finished = False
        while True:
            before = await self._erased.of(subject.model)
            subject = await self._find(replace(subject, hashes=subject.hashes | before))
            new = tuple(sorted(subject.hashes - before))
            if is_finished and not new:
                return subject
            if new:
                digest = hashlib.sha256("".join(new).encode()).hexdigest()[:16]
                path = f"{erased_folder(subject.model)}date={now.date().isoformat()}/{name}-{digest}.json"
                with contextlib.suppress(BlobChanged):  # named by its content
                    await self.blobs.create(path, documents.encode(ErasedRecords(at=now, hashes=new)))
            await self.sealed.finish(subject.model)
            is_finished = True

    async def _find(self, subject: Subject) -> Subject:
        """Return the subject with all ids known that its records have: actuals are known by their predictions' ids."""
        for kind in (Kind.PREDICTION, Kind.ACTUAL):
            finders: list[Finder] = [*self.sources, self.spool]
            for finder in finders:
                subject = await finder.find(subject, kind)
        return subject

    async def _pass(self, subject: Subject, *, is_dry: bool, done: Done) -> dict[str, int]:
        places: list[Place] = [*self.sources, *self.copies]
        found: dict[str, int] = {}
        for place in places:
            found[place.name] = await place.erase(subject, is_dry=is_dry)
            done(len(found), len(places))
        return found

    async def _begin(self, model: str, by: str, value: str, now: datetime) -> tuple[str, Erasure, bool]:
        """Write an erasure down, or find the one of the same subject that is not done, and return whether it was there."""
        for name, erasure in await self._erasures():
            if erasure.is_about(model, by, value):
                return name, erasure, True
        salt = os.urandom(_SALT_BYTES)
        erasure = Erasure(model=model, by=by, began_at=now, salt=salt.hex(), check=check(model, by, value, salt=salt))
        name = uuid7(now)
        await self.blobs.create(erasure_path(name), documents.encode(erasure))
        return name, erasure, False

    async def _note(self, name: str, erasure: Erasure) -> None:
        await documents.swap(self.blobs, erasure_path(name), Erasure, lambda _: erasure)

    async def _erasures(self) -> list[tuple[str, Erasure]]:
        found = []
        async for stored in self.blobs.under(ERASURES):
            erasure, _ = await documents.read(self.blobs, stored.path, Erasure)
            found.append((stored.path.removeprefix(ERASURES).removesuffix(".json"), erasure))
        return found

    async def _report(
        self, subject: Subject, rows: dict[str, int], untold: dict[str, str], now: datetime, *, is_dry: bool
    ) -> Report:
        hub_until = now + self.hub_keeps
        return Report(
            rows={name: count for name, count in rows.items() if count},
            is_dry=is_dry,
            untold=untold,
            spooled=await self.spool.waiting(subject),
            resends_until=hub_until + timedelta(days=7),
            hub_until=hub_until,
            let_go_until=await let_go_until(self.blobs, subject.model),
        )


def over(
    blobs: Blobs,
    registry: Registry,
    manifests: Manifests,
    generations: Generations,
    cursors: Cursors,
    stepping: Stepping,
    *,
    privacy_key: bytes,
    hub_keeps: timedelta,
) -> Erasing:
    """Return what erases over some storage, place by place.

    Args:
        blobs: storage.
        registry: models and versions.
        manifests: of sealed hours.
        generations: what seals logs before they go.
        cursors: what is captured, and never comes again.
        stepping: what joins actuals.
        privacy_key: what features are hashed with, empty where none is set.
        hub_keeps: how long the hub holds events.
    """

    def chain(shelf: Shelf) -> Chaining:
        return Chaining(shelf, blobs, manifests, generations)

    taking = Taking(blobs, HourLogs(blobs), cursors, chain)
    sealed = SealedPlace(blobs, manifests, registry, generations.baselines, chain)
    return Erasing(
        blobs,
        registry,
        cursors.clock,
        privacy_key,
        hub_keeps,
        taking,
        sealed,
        SpoolPlace(blobs),
        sources=(HourLogsPlace(blobs, taking), DeadLettersPlace(blobs, taking), ImportsPlace(blobs), sealed),
        copies=(
            JoinedPlace(blobs, stepping),
            AnswersPlace(blobs),
            TrainingSetsPlace(blobs),
            BaselinesPlace(blobs, registry),
            OriginalsPlace(blobs),  # before builds, so that none of them is planned over the same file again
            BuildsPlace(blobs),
            DatasetsPlace(blobs, cursors.clock),
            RequestsPlace(blobs),
        ),
    )
