"""A recipe becomes a plan: nothing is left open, and every file that rows are taken from is named with its hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from shared import documents
from shared.actuals.reading import Joins
from shared.actuals.sources import Mark
from shared.blobs import Blobs
from shared.capture.records import DEAD_SHELF, Kind, Shelf
from shared.clock import Clock
from shared.datasets.faults import FaultyHours
from shared.datasets.manifest import BaselineCounts, Fault, Input, Plan, Use
from shared.datasets.originals import Originals
from shared.datasets.recipe import Recipe, Sampling
from shared.datasets.suiting import captured, kept, masked, refuse_unsuitable
from shared.errors import BeingErased, InsufficientData, InvalidRecipe, NotJoined, NotSealed
from shared.hours import Hour, hours_of
from shared.ids import NONE
from shared.profiles.bins import CategoricalBins, NumericBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.numeric import NumericProfile
from shared.registry.alike import alike
from shared.registry.baselines import Baseline, Baselines
from shared.registry.manifest import Manifest, manifest_path
from shared.registry.store import Registry
from shared.sealing.frames import check_kept, let_go
from shared.sealing.hours.listing import dates
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import hour_folder


@dataclass(slots=True)
class Planning:
    """Makes plans of recipes."""

    blobs: Blobs
    registry: Registry
    manifests: Manifests
    joins: Joins
    baselines: Baselines
    faults: FaultyHours
    originals: Originals
    clock: Clock

    async def resolve(self, recipe: Recipe) -> Recipe:
        """Return a recipe with nothing left open: what it leaves out becomes what that means now.

        Raises:
            UnknownModel: the model has no champion, or a version is not registered.
            InvalidRecipe: it asks for what the rows of the versions cannot give.
            NotSealed: it ends, or knows, after the watermark.
            InsufficientData: nothing was captured before its end.
        """
        parent, versions = await self._versions(recipe)
        refuse_unsuitable(recipe, parent, versions)
        features = kept(recipe, parent)
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None:
            raise NotSealed(recipe.end or "any hour", before=None)
        end = Hour.parse(recipe.end) if recipe.end else watermark.hour
        if end > watermark.hour:
            raise NotSealed(end.key, before=watermark.before)
        as_of = (recipe.as_of or watermark.hour.start).astimezone(UTC)
        if as_of > self.clock.now():
            raise InvalidRecipe(f"as_of {as_of.isoformat()} is in the future: nobody knows yet what will be known then")
        if as_of > watermark.hour.start:
            raise NotSealed(Hour.containing(as_of).plus(1).key, before=watermark.before)
        start = Hour.parse(recipe.start) if recipe.start else await self._first_hour(versions, end)
        if start >= end:
            raise NotSealed(start.plus(1).key, before=watermark.before)
        return msgspec.structs.replace(
            recipe,
            versions=tuple(one.version for one in versions),
            start=start.key,
            end=end.key,
            as_of=as_of,
            features=features,
        )

    async def plan(self, recipe: Recipe) -> Plan:
        """Return the plan of a recipe: the same one as long as nothing is added to what it takes rows from.

        Raises:
            NotJoined: actuals that count have not been joined yet.
            BeingErased: of some of the rows nobody can say yet whether they stay.
            LetGo: retention took some of the rows.
            UnknownModel, InvalidRecipe, NotSealed, InsufficientData: as ``resolve`` does.
        """
        resolved = await self.resolve(recipe)
        parent, versions = await self._versions(resolved)
        first, end, _ = _span(resolved)
        # Before the joined hours are listed: what is joined by now is in them.
        await self._check_joined(resolved)
        predictions, unreadable = await self._predictions(versions, first, end)
        if not predictions:
            raise InsufficientData(rows=0, needed=1)
        actuals = [file for one in versions for file in await self._actuals(one, first, end)]
        original, time = await self._original(resolved, parent)
        baseline = await self._baseline(resolved, parent)
        held_against = [] if baseline is None else await self._files_of(baseline, parent)
        return Plan(
            recipe=resolved,
            task=parent.task,
            schema=captured(parent),
            masked=masked(parent),
            actual=parent.actual,
            time=time,
            inputs=tuple(
                sorted(
                    [*predictions, *actuals, *original, await self._manifest_of(parent), *held_against],
                    key=lambda one: one.path,
                )
            ),
            faults=tuple(await self._faults(resolved, versions, first, end)),
            baseline={} if baseline is None else _counted(baseline, resolved.features),
            not_predictions=await self._not_predictions(versions, first, end, unreadable=unreadable),
        )

    async def _versions(self, recipe: Recipe) -> tuple[Manifest, list[Manifest]]:
        """Return the version whose features rows have, and those whose rows are taken, first registered first."""
        if not recipe.versions:
            parent = await self.registry.answering(recipe.model)
            return parent, alike(parent, await self.registry.versions(recipe.model))
        named = [await self.registry.manifest(recipe.model, version) for version in recipe.versions]
        champion = (await self.registry.aliases(recipe.model)).champion
        named.sort(key=lambda one: (one.registered_at, one.version))
        return next((one for one in named if one.version == champion), named[-1]), named

    async def _first_hour(self, versions: list[Manifest], end: Hour) -> Hour:
        """Return the first hour that something is kept of, of any version.

        Raises:
            InsufficientData: there is none before ``end``.
        """
        found: list[Hour] = []
        for one in versions:
            shelf = _shelf(one)
            folder = f"captures/hours/{shelf.folder}/"
            there = [date for date in await dates(self.blobs, folder) if hours_of(date)[0] < end]
            gone = await let_go(self.blobs, shelf, there)
            for date in (date for date in there if date not in gone):
                if folders := await self.blobs.folders(f"{folder}date={date}/"):
                    found.append(Hour.at_path(folders[0]))
                    break
        if not found or min(found) >= end:
            raise InsufficientData(rows=0, needed=1)
        return min(found)

    async def _check_joined(self, recipe: Recipe) -> None:
        """See that every actual that was there by ``as_of`` has met every prediction that is looked at.

        Raises:
            NotJoined: some wait for it.
        """
        first, end, as_of = _span(recipe)

        def is_wanted(mark: Mark) -> bool:
            if mark.shelf.kind is Kind.ACTUAL:
                return mark.hour.start < as_of
            return first <= mark.hour < end and mark.shelf.version in recipe.versions

        waiting = await self.joins.waiting(recipe.model, is_wanted)
        if waiting:
            raise NotJoined(recipe.model, as_of=as_of, waiting=waiting)

    async def _predictions(self, versions: list[Manifest], first: Hour, end: Hour) -> tuple[list[Input], int]:
        """Return every file of sealed predictions, and how many records of their hours could not be read."""
        found: list[Input] = []
        unreadable = 0
        for version in versions:
            shelf = _shelf(version)
            hours = await self.manifests.between(shelf, first, end)
            await check_kept(self.blobs, shelf, first, end)
            if (changing := next((hour for hour in hours if hour.manifest.is_erasing), None)) is not None:
                raise BeingErased(version.model, hour=changing.hour.key)
            unreadable += sum(hour.manifest.unreadable for hour in hours)
            found += [
                Input(
                    use=Use.PREDICTIONS,
                    path=f"{hour_folder(shelf, hour.hour)}{one.rows_file}",
                    sha256=one.sha256,
                    size_bytes=one.size_bytes,
                    rows=one.footer.rows,
                    hour=hour.hour.key,
                    version=version.version,
                )
                for hour in hours
                for one in hour.manifest.generations
            ]
        return found, unreadable

    async def _actuals(self, version: Manifest, first: Hour, end: Hour) -> list[Input]:
        return [
            Input(
                use=Use.ACTUALS,
                path=one.path,
                sha256=one.file.sha256,
                size_bytes=one.file.size_bytes,
                rows=one.file.rows,
                hour=one.hour.key,
                version=version.version,
            )
            for one in await self.joins.files(version, first, end)
        ]

    async def _original(self, recipe: Recipe, parent: Manifest) -> tuple[list[Input], str | None]:
        """Return the file that is mixed in, if one is, and its column that says when rows happened.

        A version that learned from a dataset calls that otherwise than those before it, whose training data the file may be.
        """
        if recipe.original is None:
            return [], None
        versions = [parent, *await self.registry.versions(recipe.model)]
        names = [one.time for one in versions if one.time is not None]
        file, time = await self.originals.find(recipe, parent, times=names)
        return [file], time

    async def _faults(self, recipe: Recipe, versions: list[Manifest], first: Hour, end: Hour) -> list[Fault]:
        if not recipe.exclude.data_faults:
            return []
        hours = (await self.registry.monitor_config(recipe.model)).window_hours
        return [fault for one in versions for fault in await self.faults.of(one, first, end, window_hours=hours)]

    async def _baseline(self, recipe: Recipe, parent: Manifest) -> Baseline | None:
        if recipe.sample is None or recipe.sample.by is not Sampling.DRIFT_AWARE:
            return None
        return await self.baselines.current(parent)

    async def _manifest_of(self, parent: Manifest) -> Input:
        path = manifest_path(parent.model, parent.version)
        data = (await self.blobs.read(path)).data
        sha256 = hashlib.sha256(data).hexdigest()
        return Input(use=Use.VERSION, path=path, sha256=sha256, size_bytes=len(data), rows=0, version=parent.version)

    async def _files_of(self, baseline: Baseline, parent: Manifest) -> list[Input]:
        sizes = {stored.path: stored.size_bytes async for stored in self.blobs.under(baseline.folder)}
        return [
            Input(use=Use.BASELINE, path=path, sha256=sha256, size_bytes=sizes[path], rows=0, version=parent.version)
            for path, sha256 in baseline.inputs.items()
        ]

    async def _not_predictions(
        self, versions: list[Manifest], first: Hour, end: Hour, *, unreadable: int
    ) -> dict[str, int]:
        """Return what was kept of the same hours and is no prediction; dead letters are those of every model."""
        model = versions[0].model
        shelves = [Shelf(Kind.FAILURE, model, version) for version in (*(one.version for one in versions), NONE)]
        counts = {
            "failures": sum([await self._rows(shelf, first, end) for shelf in shelves]),
            "dead_letters": await self._rows(DEAD_SHELF, first, end),
            "unreadable": unreadable,
        }
        return {what: rows for what, rows in counts.items() if rows}

    async def _rows(self, shelf: Shelf, first: Hour, end: Hour) -> int:
        return sum(hour.manifest.rows for hour in await self.manifests.between(shelf, first, end))


def _span(recipe: Recipe) -> tuple[Hour, Hour, datetime]:
    """Return the first hour, the first that is not taken, and from when on nothing is known, of a resolved recipe."""
    if recipe.start is None or recipe.end is None or recipe.as_of is None:
        raise ValueError("the recipe is not resolved")
    return Hour.parse(recipe.start), Hour.parse(recipe.end), recipe.as_of


def _shelf(version: Manifest) -> Shelf:
    return Shelf(Kind.PREDICTION, version.model, version.version)


def _counted(baseline: Baseline, names: Sequence[str]) -> dict[str, BaselineCounts]:
    """Return how the baseline's rows lie, by feature, of those that have bins which could be compared."""
    counts = {name: _counts(baseline, name) for name in names}
    return {name: found for name, found in counts.items() if found is not None}


def _counts(baseline: Baseline, name: str) -> BaselineCounts | None:
    bins, profile = baseline.bins.features.get(name), baseline.profile.features.get(name)
    if isinstance(bins, NumericBins) and isinstance(profile, NumericProfile) and bins.edges:
        return BaselineCounts(edges=bins.edges, rows=tuple(profile.counts(bins).tolist()))
    if isinstance(bins, CategoricalBins) and isinstance(profile, CategoricalProfile) and bins.categories:
        return BaselineCounts(categories=bins.categories, rows=tuple(profile.counts(bins).tolist()))
    return None
