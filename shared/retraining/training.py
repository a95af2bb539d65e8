"""Make a version of what a trainer made. Nothing here trains: only the command line runs or asks a trainer."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared import documents
from shared.blobs import Blobs
from shared.clock import Clock
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import manifest_path as dataset_manifest_path
from shared.errors import AlreadyRegistered, BlobChanged, BlobMissing, DatasetErased, Fault, UnknownDataset
from shared.registry.manifest import CHALLENGER, Lineage, Manifest, folder
from shared.registry.store import Registry
from shared.retrain_config import Loss
from shared.retraining.challengers import next_version, refuse_incomparable, schema_to_learn
from shared.retraining.held_out import HeldOut, held_out
from shared.retraining.held_out_store import HeldOutComparison, HeldOutStore
from shared.retraining.losses import loss_of
from shared.retraining.outlived import TRAINING_SETS
from shared.retraining.training_set import AT, TrainingSet, standing
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

    async def refuse_erased(self, model: str, dataset: str) -> None:
        """See that the rows of a dataset are still there.

        Raises:
            DatasetErased: somebody in it was erased since it was read.
            UnknownDataset: it is gone.
        """
        now = await documents.find(self.blobs, dataset_manifest_path(model, dataset), DatasetManifest)
        if now is None:
            raise UnknownDataset(model, dataset, reason="is gone", known=())
        if now.state == "erased":
            raise DatasetErased(model, dataset, at=now.erased_at or now.built_at)

    async def place(self, drawn: TrainingSet) -> str:
        """Store a training set where somebody else can fetch it, and return the folder, ending in a slash.

        It is called after the hour that it ends with: ``outlived`` has it go when that does.

        Raises:
            DatasetErased: somebody in the dataset was erased since it was read; nothing is left there then.
            UnknownDataset: it is gone, likewise.
        """
        made = drawn.made
        await self.refuse_erased(made.model, made.dataset)
        place = f"{TRAINING_SETS}model={drawn.parent.model}/{drawn.made.recipe.end}-{drawn.sha256[:16]}/"
        with contextlib.suppress(BlobChanged):  # it is called after its content
            await self.blobs.create(f"{place}{TRAINING_FILE}", drawn.file)
        # An erasure marks datasets and then looks here once more: it finds the file, or the file is found to be too late.
        try:
            await self.refuse_erased(made.model, made.dataset)
        except Fault:
            with contextlib.suppress(BlobMissing):
                await self.blobs.delete(f"{place}{TRAINING_FILE}")
            raise
        return place

    async def register(self, drawn: TrainingSet, file: bytes, *, version: str, lineage: Lineage) -> Manifest:
        """Register a model that learned from a training set, as a challenger of its champion.

        Raises:
            InvalidModel: it is no model, or none that takes the champion's features and answers its question.
            InvalidSchema: it is none that can be stored beside the training set.
            ModelFailed: it raised on rows that it learned from.
            AlreadyRegistered: the version is another one.
            DatasetErased: somebody in the dataset was erased since it was read; nothing is left of the version then.
            UnknownDataset: it is gone, likewise.
        """
        still_there = partial(self.refuse_erased, drawn.made.model, drawn.made.dataset)
        await still_there()
        made = await asyncio.to_thread(_drafted, drawn, file, version, lineage)
        refuse_incomparable(drawn.parent, made.manifest)
        # Asked again once the baseline is there: an erasure marks datasets and then looks at all baselines once more, of
        # versions that are not registered yet as well. It finds this one, or this one is found to be too late.
        manifest = await self.registry.register(made.manifest, files=made.files, may=still_there)
        await self.registry.promote(manifest.model, manifest.version, alias=CHALLENGER)
        return manifest

    async def compare(self, drawn: TrainingSet, version: str) -> HeldOutComparison:
        """Return a registered challenger beside the champion, on the rows that were held out; it is stored by then.

        Raises:
            ModelFailed: one of the two raised.
        """
        champion, challenger = drawn.parent, await self.registry.manifest(drawn.parent.model, version)
        wanted = (await self.registry.monitor_config(champion.model)).retraining.loss
        both = (champion, challenger)
        files = [await self.registry.file(one, one.model_file) for one in both]
        result = await asyncio.to_thread(_held_out, drawn, both, files, loss_of(champion.task, wanted))
        compared = HeldOutComparison(
            model=champion.model,
            champion=champion.version,
            challenger=version,
            dataset=drawn.made.dataset,
            result=result,
            inputs={f"{folder(one.model, one.version)}{one.model_file}": one.files[one.model_file] for one in both},
        )
        await HeldOutStore(self.blobs).store(compared)
        return compared


def _held_out(drawn: TrainingSet, versions: tuple[Manifest, Manifest], files: Sequence[bytes], loss: Loss) -> HeldOut:
    ours, theirs = ((version, Runtime(OnnxModel(file), version)) for version, file in zip(versions, files, strict=True))
    return held_out(ours, theirs, drawn.held_out, loss=loss)


def _drafted(drawn: TrainingSet, file: bytes, version: str, lineage: Lineage) -> Draft:
    training = TrainingData(
        rows=standing(drawn.rows, drawn.made.recipe),
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
