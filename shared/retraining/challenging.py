"""Ask versions that do not answer what the champion was asked in a period: off the scoring path, and for nobody to see."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import Blobs
from shared.capture.records import Kind
from shared.errors import BlobChanged, BlobMissing, InvalidDocument, InvalidModel, ModelFailed
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.retraining.asking import CHAMPION_ANSWER, Sample, ask, missing, unaskable
from shared.retraining.periods import Period
from shared.scoring.runtime import OnnxModel, Runtime
from shared.sealing.hours.hour import read, readable
from shared.sealing.hours.manifests import SealedHour
from shared.sealing.tables.columns import arrow_schema

_ABOUT: Final = b"driftline"
_CANNOT: Final = (ModelFailed, InvalidModel, InvalidDocument, BlobMissing)
"""What is wrong with one version, and stops no other."""


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """What answers were asked for: stored with them, so that they are asked for again when it is something else.

    Attributes:
        champion: whose rows they are.
        most_rows: how many at most.
        inputs: the SHA-256 of the manifests of the hours that they are of, by path.
    """

    champion: str
    most_rows: int
    inputs: dict[str, str]


CHALLENGES: Final = "monitoring/challenges/"
"""Answers that nobody saw, by model and version."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a version answered, as ``asking.ask`` returns it; None where it could not be asked, with the reason."""

    version: Manifest
    answered: pa.Table | None
    reason: str | None = None


@dataclass(slots=True)
class Challenging:
    """Asks versions, and keeps what they answered."""

    blobs: Blobs
    registry: Registry

    async def challenge(
        self,
        champion: Manifest,
        versions: Sequence[Manifest],
        period: Period,
        hours: Sequence[SealedHour],
        *,
        most_rows: int,
    ) -> list[Asked]:
        """Return what versions answer to rows of a period; what they were asked before is read, and not asked again.

        One file of rows, one model and the sample are in memory at a time.

        Args:
            champion: the version that answered.
            versions: those to be asked.
            period: which.
            hours: its sealed hours, of the champion.
            most_rows: how many rows, drawn by their ids.

        Raises:
            InvalidDocument: rows of the champion were damaged.
        """
        about = Challenge(
            champion=champion.version, most_rows=most_rows, inputs={hour.path: hour.sha256 for hour in hours}
        )
        reasons = {one.version: unaskable(one, champion) for one in versions}
        known = {one.version: await self._known(one, period, about) for one in versions if reasons[one.version] is None}
        wanted = [one for one in versions if one.version in known and known[one.version] is None]
        rows = await self._sample(champion, hours, wanted, most_rows) if wanted else None
        found: list[Asked] = []
        for version in versions:
            answered, reason = known.get(version.version), reasons[version.version]
            if answered is None and reason is None and rows is not None:
                answered, reason = await self._ask(version, rows, period, about)
            found.append(Asked(version, answered, reason))
        return found

    async def _ask(
        self, version: Manifest, rows: pa.Table, period: Period, about: Challenge
    ) -> tuple[pa.Table | None, str | None]:
        """Return a version's answers, which are stored by then, or why there are none."""
        reason = missing(version, rows)
        if reason is not None:
            return None, reason
        try:
            data = await self.registry.file(version, version.model_file)
            answered = await asyncio.to_thread(_answers, data, version, rows)
        except _CANNOT as fault:
            return None, str(fault)
        await self._place(_path(version, period), _written(answered, about))
        return answered, None

    async def _known(self, version: Manifest, period: Period, about: Challenge) -> pa.Table | None:
        """Return what a version answered before to the same rows; None where it was not asked, or others."""
        path = _path(version, period)
        try:
            data = (await self.blobs.read(path)).data
        except BlobMissing:
            return None
        with readable(path):
            answered = pq.ParquetFile(io.BytesIO(data)).read()
            before = msgspec.json.decode(answered.schema.metadata[_ABOUT], type=Challenge)
        return answered if before == about else None

    async def _sample(
        self, champion: Manifest, hours: Sequence[SealedHour], versions: Sequence[Manifest], most_rows: int
    ) -> pa.Table:
        """Return rows of some hours, with what the versions are asked and what the champion answered."""
        stored = arrow_schema(Kind.PREDICTION, champion.schema.captured)
        features = dict.fromkeys(feature.name for version in versions for feature in version.schema.features)
        names = ["_id", "_weight", "prediction", *features]
        empty = _with_hour(pa.schema([stored.field(name) for name in names]).empty_table(), "")
        sample = Sample.none(empty, most=most_rows)
        for hour in hours:
            for generation in hour.manifest.generations:
                path = hour.path.rpartition("/")[0] + f"/{generation.rows_file}"
                data = (await self.blobs.read(path)).data
                with readable(path):
                    rows, _ = await asyncio.to_thread(read, data, only=names)
                    met = _with_hour(rows.select(names).replace_schema_metadata(None), hour.hour.key)
                    sample = await asyncio.to_thread(sample.with_rows, met)
        renamed = [CHAMPION_ANSWER if name == "prediction" else name for name in sample.rows.column_names]
        return sample.rows.rename_columns(renamed)

    async def _place(self, path: str, data: bytes) -> None:
        """Write a file, in place of one about other rows; the same answers are the same bytes."""
        try:
            await self.blobs.create(path, data)
        except BlobChanged:
            left = await self.blobs.read(path)
            if left.data != data:
                await self.blobs.replace(path, data, etag=left.etag)


def _answers(data: bytes, version: Manifest, rows: pa.Table) -> pa.Table:
    """Load a model, ask it and let it go."""
    return ask(Runtime(OnnxModel(data), version), version, rows)


def _with_hour(rows: pa.Table, key: str) -> pa.Table:
    return rows.append_column("_hour", pa.array([key] * rows.num_rows, pa.string()))


def _written(answered: pa.Table, about: Challenge) -> bytes:
    buffer = io.BytesIO()
    described = answered.replace_schema_metadata({_ABOUT: msgspec.json.encode(about)})
    pq.write_table(described, buffer, compression="zstd", use_dictionary=["_hour"])
    return buffer.getvalue()


def challenges_folder(model: str) -> str:
    """Return where the answers of a model's versions are: ``version=<version>/<period>.parquet`` below it."""
    return f"{CHALLENGES}model={model}/"


def _path(version: Manifest, period: Period) -> str:
    return f"{challenges_folder(version.model)}version={version.version}/{period.key}.parquet"
