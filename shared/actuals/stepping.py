"""One step of a model's join: what is new is looked for, what is found is written down, and then carried out.

Everything a step found is stored before the progress names it, and nothing of it counts before that: the swap of the
progress, by its ETag, is the one moment at which a step begins to be. From then on anybody can carry it out, and comes to
the same.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from shared import documents
from shared.actuals.columns import HOUR, matched, matched_schema
from shared.actuals.finding import Finding, Predictions
from shared.actuals.hours import JoinedHours
from shared.actuals.joined_hour import read, write
from shared.actuals.matching import Places
from shared.actuals.paths import progress_path, standing_folder, steps_folder
from shared.actuals.progress import MOST_LISTED, By, Progress, Standing, StepFile, Unknown, file_of, step_of
from shared.actuals.sources import MOST_ACTUALS, MOST_GENERATIONS, Sources, take
from shared.actuals.standing import StandingFiles
from shared.actuals.wanted import Wanted, to_be_found
from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind
from shared.clock import Clock
from shared.errors import BlobChanged, BlobMissing
from shared.hours import Hour
from shared.registry.store import Registry
from shared.sealing.hours.hour import readable
from shared.sealing.hours.manifests import Manifests
from shared.telemetry import Telemetry

_FILES_AT_ONCE: Final = 3
_HOURS_AT_ONCE: Final = 2

_Found: TypeAlias = defaultdict[str, list[pa.Table]]
"""What a step found so far, by version."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Stepping:
    """Takes steps, one model at a time."""

    blobs: Blobs
    manifests: Manifests
    registry: Registry
    clock: Clock
    telemetry: Telemetry
    standing_days: int
    most_actuals: int = MOST_ACTUALS
    most_generations: int = MOST_GENERATIONS

    async def step(self, model: str) -> bool:
        """Carry out the step that somebody began, or take the next; return whether there may be another.

        Raises:
            BlobChanged: another one is joining the same model, and was faster: look again.
            InvalidDocument: something that was stored cannot be read.
            UnknownModel: predictions of a version that is not registered.
            StorageUnavailable: nothing is half done; do it again.
        """
        path = progress_path(model)
        try:
            progress, etag = await documents.read(self.blobs, path, Progress)
        except BlobMissing:
            progress, etag = Progress(), ""
        if progress.is_done:
            await self.tidy(model, progress)
            try:
                following = await self._next(model, progress)
            except BlobMissing as missing:  # a standing file that another step has replaced
                raise BlobChanged(missing.path) from missing
            if following is None:
                return False
            data = documents.encode(following)
            etag = await (self.blobs.replace(path, data, etag=etag) if etag else self.blobs.create(path, data))
            progress = following
        await self._carry_out(model, progress)
        done = msgspec.structs.replace(progress, is_done=True, files={})
        await self.blobs.replace(path, documents.encode(done), etag=etag)
        return True

    async def _next(self, model: str, before: Progress) -> Progress | None:
        """Find what the next step adds, write it beside, and return the progress that names it; None of nothing."""
        sources = Sources(self.blobs, self.manifests, model)
        step = before.step + 1
        waiting = await sources.marks(Kind.PREDICTION)
        # An actual is looked for once everything is there that it may be about: else it would have to stand.
        told = [] if len(waiting) > self.most_generations else await sources.marks(Kind.ACTUAL)
        marks, generations = await sources.actuals(told, self.most_actuals)
        new, strange = await asyncio.to_thread(to_be_found, await sources.rows(marks, generations))
        wanted = await asyncio.to_thread(Wanted.of, new)
        sealed = await sources.predictions(wanted, waiting[: self.most_generations])
        # After the manifests were read: what is sealed is marked before, so that what of it has no mark was joined before.
        # And what is not in this step waits for its own, in which it meets everything that came before it.
        marked = {mark.path for mark in await sources.marks(Kind.PREDICTION)}
        taken = [file for file in sealed if file.mark in marked][: self.most_generations]
        later = marked - {file.mark for file in taken}
        today = self.clock.now().date()
        over = [one for one in before.standing if one.is_over(today, days=self.standing_days)]
        if not marks and not taken and not over:
            return None

        found: _Found = defaultdict(list)
        hits = await self._find(wanted, [file for file in sealed if file.mark not in later], found, early=False)
        files = StandingFiles(self.blobs, model)
        kept = [one for one in before.standing if one not in over]
        standing = await self._find_standing(files, kept, taken, found, step)
        standing += await self._stand(files, new, hits, step=step, since=today.isoformat())
        return Progress(
            step=step,
            is_done=False,
            sources=(*(mark.path for mark in marks), *(file.mark for file in taken)),
            files=await self._write(model, found, step),
            standing=tuple(await files.merged(standing, step=step)),
            received=before.received + new.num_rows + strange.num_rows,
            unknown=before.unknown + sum(one.missing for one in over) + strange.num_rows,
            listed=(*before.listed, *_listed(strange), *await self._never_found(files, over))[-MOST_LISTED:],
        )

    async def _find(self, wanted: Wanted, files: Sequence[Predictions], found: _Found, *, early: bool) -> Places:
        """Find the predictions of actuals in some files, and return of which actuals one was; in order, each once."""

        async def one(file: Predictions) -> tuple[pa.Table, Places] | None:
            version = await self.registry.manifest(file.shelf.model, file.shelf.version)
            schema = version.schema.captured
            predictions, places = await finding.find(wanted, file, schema)
            if not len(places):
                return None
            actuals = wanted.actuals.take(pa.array(places))
            return matched(predictions, actuals, schema, hour=file.hour.key, early=early), places

        finding = Finding(self.blobs)
        hits = [np.empty(0, dtype=np.int64)]
        if wanted.actuals.num_rows:
            for file, pair in zip(files, await each(files, one, at_once=_FILES_AT_ONCE), strict=True):
                if pair is not None:
                    found[file.shelf.version].append(pair[0])
                    hits.append(pair[1])
        return np.unique(np.concatenate(hits))

    async def _find_standing(
        self,
        files: StandingFiles,
        standing: Sequence[Standing],
        taken: Sequence[Predictions],
        found: _Found,
        step: int,
    ) -> list[Standing]:
        """Find the new predictions of actuals that stand, and return what stands after that."""
        if not standing or not taken:
            return list(standing)
        finding = Finding(self.blobs)
        of_files = await each(taken, finding.keys, at_once=_FILES_AT_ONCE)
        keys = np.unique(np.concatenate(of_files))
        after: list[Standing] = []
        for one in standing:
            rows, places = await files.beside(one, taken, keys)
            hits = await self._find(await asyncio.to_thread(Wanted.of, rows), taken, found, early=True)
            if one.by is By.KEY:
                was_missing = ~rows.column("found").to_numpy()
                hits = hits[was_missing[hits]]
            if not len(hits):
                after.append(one)
                continue
            left = await files.without(one, places[hits], step=step)
            after += [left] if left is not None else []
        return after

    async def _stand(
        self, files: StandingFiles, new: pa.Table, hits: Places, *, step: int, since: str
    ) -> list[Standing]:
        """Let those actuals stand of which a prediction may still come."""
        is_found = np.zeros(new.num_rows, dtype=bool)
        is_found[hits] = True
        by_id = new.column("_prediction_id").is_valid().to_numpy()
        with_found = new.set_column(new.schema.get_field_index("found"), new.schema.field("found"), pa.array(is_found))
        written = [
            await files.write(with_found.filter(pa.array(which)), by, step=step, since=since)
            for by, which in ((By.ID, by_id & ~is_found), (By.KEY, ~by_id))
        ]
        return [one for one in written if one is not None]

    async def _never_found(self, files: StandingFiles, over: Sequence[Standing]) -> list[Unknown]:
        """Return the last actuals that were never found, of files that nobody looks for any more."""
        listed: list[Unknown] = []
        for one in over:
            if one.missing:
                rows = await files.read(one)
                listed += _listed(rows.filter(pa.array(~rows.column("found").to_numpy())))
        return listed

    async def _write(self, model: str, found: _Found, step: int) -> dict[str, StepFile]:
        written: dict[str, StepFile] = {}
        for version, tables in sorted(found.items()):
            data = await asyncio.to_thread(write, pa.concat_tables(tables))
            name = file_of(step, version, hashlib.sha256(data).hexdigest())
            with contextlib.suppress(BlobChanged):  # the same content is there
                await self.blobs.create(f"{steps_folder(model)}{name}", data)
            written[version] = StepFile(file=name, size_bytes=len(data))
        return written

    async def _carry_out(self, model: str, progress: Progress) -> None:
        """Add what a step found to the hours it is of, and take the marks of what it was made from."""
        hours = JoinedHours(self.blobs)
        rows = 0
        for version, file in progress.files.items():
            path = f"{steps_folder(model)}{file.file}"
            manifest = await self.registry.manifest(model, version)
            try:
                data = (await self.blobs.read(path)).data
            except BlobMissing:  # it goes only once the step is done
                raise BlobChanged(progress_path(model)) from None
            with readable(path):
                found = await asyncio.to_thread(read, data, matched_schema(manifest.schema).names)
            rows += found.num_rows
            of_hours = found.column(HOUR).combine_chunks().dictionary_encode()
            numbers = of_hours.indices.to_numpy()

            async def add(number: int, key: str) -> None:
                of_hour = found.filter(pa.array(numbers == number))  # noqa: B023 - awaited before the next round
                await hours.add(manifest, Hour.parse(key), of_hour, step=progress.step)  # noqa: B023 - likewise

            await each(enumerate(of_hours.dictionary.to_pylist()), lambda one: add(*one), at_once=_HOURS_AT_ONCE)
        await take(self.blobs, progress.sources, progress.step)
        self.telemetry.metric("joined_rows", rows, model=model)
        logger.info("step joined", extra={"model": model, "step": progress.step, "rows": rows})

    async def tidy(self, model: str, progress: Progress) -> None:
        """Delete the files of steps that were carried out, or that another one overtook."""
        named = {one.file for one in progress.standing}
        for folder in (steps_folder(model), standing_folder(model)):
            async for stored in self.blobs.under(folder):
                name = stored.path.removeprefix(folder)
                if name not in named and step_of(name) <= progress.step:
                    with contextlib.suppress(BlobMissing):
                        await self.blobs.delete(stored.path)


def _listed(rows: pa.Table) -> list[Unknown]:
    last = rows.slice(max(0, rows.num_rows - MOST_LISTED))
    ids, prediction_ids = last.column("_id").to_pylist(), last.column("_prediction_id").to_pylist()
    return [Unknown(id=one, prediction_id=about) for one, about in zip(ids, prediction_ids, strict=True)]
