"""Make a version of what a trainer made. Nothing here trains: only the command line runs or asks a trainer."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.blobs import Blobs
from shared.clock import Clock
from shared.errors import AlreadyRegistered, BlobChanged
from shared.registry.manifest import CHALLENGER, Lineage, Manifest
from shared.registry.store import Registry
from shared.retrain_config import Loss
from shared.retraining.challengers import next_version, refuse_incomparable, schema_to_learn
from shared.retraining.held_out import HeldOut, held_out
from shared.retraining.losses import loss_of
from shared.retraining.outlived import TRAINING_SETS
from shared.retraining.training_set import AT, ID, WEIGHT, TrainingSet
from shared.schema import Schema
from shared.scoring.registration import Draft, TrainingData, draft, infer_schema
from shared.scoring.runtime import OnnxModel, Runtime

TRAINING_FILE: Final = "train.parquet"


@dataclass(slots=True)
class Training:
    """Names, registers and tells of challengers."""

    blobs: Blobs
    registry: Registry
    clock: Clock

    async def version(self, model: str, wanted: str | None) -> str:
        """Return what a new version is called: as ``wanted``, or with the next name that is free.

        Raises:
            AlreadyRegistered: there is one of the name that is wanted.
        """
        known = [manifest.version for manifest in await self.registry.versions(model)]
        if wanted in known:
            raise AlreadyRegistered(model, str(wanted), what="model")
        return wanted or next_version(known, at=self.clock.now())

    async def finish(self, drawn: TrainingSet, wanted: str | None) -> bool:
        """Name a version a challenger if it was made of this training set already, and return whether it was.

        Whoever is killed when a version is registered, and no challenger yet, asks for the same again.

        Raises:
            VersionRetired: it was retired since.
            IsChampion: it answers by now.
        """
        model = drawn.parent.model
        if wanted is None or not await self.registry.knows(model, wanted):
            return False
        if (await self.registry.manifest(model, wanted)).training_data != drawn.sha256:
            return False
        await self.registry.promote(model, wanted, alias=CHALLENGER)
        return True

    def lineage(self, drawn: TrainingSet, *, trainer: str, decision: str | None = None) -> Lineage:
        """Return what is written down of a challenger that learns now."""
        recipe = drawn.made.recipe
        return Lineage(
            parent=drawn.parent.version,
            start=recipe.start or "",
            end=recipe.end or "",
            trainer=trainer,
            trained_at=self.clock.now(),
            dataset=drawn.made.dataset,
            decision=decision,
        )

    async def place(self, drawn: TrainingSet) -> str:
        """Store a training set where somebody else can fetch it, and return the folder, ending in a slash.

        It is called after the hour that it ends with: ``outlived`` has it go when that does.
        """
        folder = f"{TRAINING_SETS}model={drawn.parent.model}/{drawn.made.recipe.end}-{drawn.sha256[:16]}/"
        with contextlib.suppress(BlobChanged):  # it is called after its content
            await self.blobs.create(f"{folder}{TRAINING_FILE}", drawn.file)
        return folder

    async def register(self, drawn: TrainingSet, file: bytes, *, version: str, lineage: Lineage) -> Manifest:
        """Register a model that learned from a training set, as a challenger of its champion.

        Raises:
            InvalidModel: it is no model, or none that takes the champion's features and answers its question.
            InvalidSchema: it is none that can be stored beside the training set.
            ModelFailed: it raised on rows that it learned from.
            AlreadyRegistered: the version is another one.
        """
        made = await asyncio.to_thread(_drafted, drawn, file, version, lineage)
        refuse_incomparable(drawn.parent, made.manifest)
        manifest = await self.registry.register(made.manifest, files=made.files)
        await self.registry.promote(manifest.model, manifest.version, alias=CHALLENGER)
        return manifest

    async def compare(self, drawn: TrainingSet, version: str) -> HeldOut:
        """Return a registered challenger beside the champion, on the rows that were held out.

        Raises:
            ModelFailed: one of the two raised.
        """
        champion, challenger = drawn.parent, await self.registry.manifest(drawn.parent.model, version)
        wanted = (await self.registry.monitor_config(champion.model)).retraining.loss
        files = [await self.registry.file(one, one.model_file) for one in (champion, challenger)]
        return await asyncio.to_thread(_held_out, drawn, (champion, challenger), files, loss_of(champion.task, wanted))


def _held_out(drawn: TrainingSet, versions: tuple[Manifest, Manifest], files: Sequence[bytes], loss: Loss) -> HeldOut:
    ours, theirs = ((version, Runtime(OnnxModel(file), version)) for version, file in zip(versions, files, strict=True))
    return held_out(ours, theirs, drawn.held_out, loss=loss)


def _drafted(drawn: TrainingSet, file: bytes, version: str, lineage: Lineage) -> Draft:
    training = TrainingData(
        rows=drawn.rows.drop_columns([ID, WEIGHT]),
        actual=drawn.parent.actual,
        time=AT,
        sha256=drawn.sha256,
        lineage=lineage,
    )
    learned = schema_to_learn(drawn)
    inferred, _ = infer_schema(OnnxModel(file), training)
    return draft(
        file,
        training,
        model=drawn.parent.model,
        version=version,
        schema=Schema(features=learned.features, outputs=inferred.outputs),
        at=lineage.trained_at,
    )
