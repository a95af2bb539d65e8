"""Score a request: read it, hold it against the schema, ask the model, have every row kept, answer."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.clock import Clock
from shared.errors import Fault, NotKept, RequestTooLarge
from shared.ids import uuid7
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.scoring import formats, strict_json
from shared.scoring.failures import failure
from shared.scoring.loading import Loaded, Loading
from shared.scoring.prediction import Keeper, Kept, Outputs, Prediction
from shared.scoring.validation import Row, Validator
from shared.telemetry import Telemetry
from shared.telemetry.operations import reported

# For as long, the interpreter lets one thread hold up the others anyway.
_LONGEST_ON_THE_LOOP_S = 0.005
_MOST_BYTES_ON_THE_LOOP = 256 * 1024  # which take about as long to read
_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most a request may be; ``kept_or_refused`` refuses a request whose predictions could not be kept."""

    body_bytes: int
    rows: int
    depth: int
    kept_or_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The answer: ``outputs`` and ``ids`` have one entry a row."""

    request_id: str
    model: str
    version: str
    outputs: list[Outputs]
    ids: list[str]
    capture: Kept


@dataclass(slots=True)
class Scorer:
    """Scores requests for every registered version, loading each when it is first asked for.

    ``privacy_key`` is what features are hashed with before they are kept, empty where none is set.
    """

    registry: Registry
    keeper: Keeper
    clock: Clock
    limits: Limits
    telemetry: Telemetry
    privacy_key: bytes = field(default=b"", repr=False)
    _loading: Loading = field(init=False)

    def __post_init__(self) -> None:
        self._loading = Loading(self.registry, self.telemetry, self.privacy_key)

    async def score(self, model: str, version: str | None, body: bytes, *, request_id: str) -> Scored:
        """Answer a request; where ``version`` is None, the champion answers. A request without an answer is kept as that.

        Raises:
            RequestTooLarge: the body, its rows or a row's record are over the limits.
            UnknownModel: the model or the version is not registered, or has no champion.
            VersionRetired: the version is out of use.
            UnreadableRequest: the body is not JSON in one of the request formats.
            InvalidRows: rows do not fit the version's schema.
            ModelFailed: the model raised on rows that fit.
            NotKept: predictions have to be kept, and could not be.
            UnfitPrivacyKey: the version hashes features, and the key is missing or another than it was registered with.
        """
        self._loading.look_for_retired()
        with reported(self.telemetry, self.clock, "score", model, operation_id=request_id) as operation:
            manifest: Manifest | None = None
            try:
                manifest = await self._asked_for(model, version)
                operation.version = manifest.version
                if version is not None:
                    await self.registry.refuse_retired(manifest)
                return await self._answer(body, request_id, await self._loading.loaded(manifest))
            except NotKept:
                raise  # nothing can be kept
            except Exception as error:
                # Whatever it is goes on to whoever called: here it is only kept.
                await self._keep_failure(error, model, manifest, request_id)
                raise

    async def _answer(self, body: bytes, request_id: str, loaded: Loaded) -> Scored:
        if len(body) > self.limits.body_bytes:
            raise RequestTooLarge("too many bytes in the body", size=len(body), limit=self.limits.body_bytes)
        started = time.perf_counter()
        if len(body) <= _MOST_BYTES_ON_THE_LOOP:
            rows, external_ids = self._read(body, loaded.validator)
        else:
            rows, external_ids = await asyncio.to_thread(self._read, body, loaded.validator)
        if len(rows) * loaded.runtime.row_s <= _LONGEST_ON_THE_LOOP_S:
            outputs = loaded.runtime.score(rows)
        else:
            # A long call would hold up every other request, and the worker's own talk with its host. A short one
            # would wait longer for its thread than for its answer.
            outputs = await asyncio.to_thread(loaded.runtime.score, rows)
        latency_ms = (time.perf_counter() - started) * 1000.0
        predictions = self._predictions(request_id, loaded, external_ids, loaded.masks.rows(rows), outputs, latency_ms)
        kept = await self.keeper.keep(predictions)
        if kept is Kept.LOST and self.limits.kept_or_refused:
            raise NotKept
        return Scored(
            request_id=request_id,
            model=loaded.manifest.model,
            version=loaded.manifest.version,
            outputs=outputs,
            ids=[prediction.id for prediction in predictions],
            capture=kept,
        )

    def _read(self, body: bytes, validator: Validator) -> tuple[list[Row], list[str | None]]:
        """Return the rows of a request, of the schema's types, and their external ids."""
        decoded = strict_json.decode(body, max_depth=self.limits.depth)
        table = formats.read(decoded, validator.names, max_rows=self.limits.rows, optional=validator.optional)
        return validator.read(table.rows), table.external_ids

    async def _keep_failure(self, error: Exception, model: str, manifest: Manifest | None, request_id: str) -> None:
        is_known = manifest is not None or await self._has(model)
        now = self.clock.now()
        await self.keeper.keep_failure(
            failure(error, model=model, is_known=is_known, manifest=manifest, request_id=request_id, at=now)
        )

    async def _has(self, model: str) -> bool:
        """Whether the model is registered, as far as storage says at once: a refusal waits for that answer, too."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self.registry.has(model)
        except (TimeoutError, Fault):
            return False

    def _predictions(
        self,
        request_id: str,
        loaded: Loaded,
        external_ids: list[str | None],
        rows: Sequence[Row],
        outputs: list[Outputs],
        latency_ms: float,
    ) -> list[Prediction]:
        now = self.clock.now()
        at = now.isoformat(timespec="microseconds")
        names = loaded.masks.names
        return [
            Prediction(
                id=uuid7(now),
                model=loaded.manifest.model,
                version=loaded.manifest.version,
                request_id=request_id,
                row=index,
                external_id=external_id,
                at=at,
                inputs=dict(zip(names, row, strict=True)),
                outputs=answer,
                latency_ms=round(latency_ms, 3),
            )
            for index, (external_id, row, answer) in enumerate(zip(external_ids, rows, outputs, strict=True))
        ]

    async def _asked_for(self, model: str, version: str | None) -> Manifest:
        if version is None:
            return self._loading.answering(await self.registry.answering(model))
        return await self.registry.manifest(model, version)
