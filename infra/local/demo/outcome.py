"""What the system did, found out from what it stored and posted."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np

from infra.local.demo.traffic import Ledger
from shared import documents
from shared.actuals.reading import Joins
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation
from shared.registry.manifest import Manifest
from shared.retraining.decision import Decision
from shared.retraining.period_losses import PeriodLosses
from shared.retraining.period_store import PeriodStore
from shared.sealing.hours.hour import HourManifest, read
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.signals.judgement import Signal, Verdict


@dataclass(frozen=True, slots=True)
class Stored:
    """What is at rest.

    Attributes:
        predictions: how often each id is there.
        answered: how many predictions each version made.
        actuals: how many there are.
        hours: how many are sealed, by kind.
    """

    predictions: Counter[str]
    answered: Counter[str]
    actuals: int
    hours: Counter[str]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, where it is stored, and what answers of its period cost."""

    path: str
    decision: Decision
    losses: PeriodLosses


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from sending a request to having its answer."""

    p50: float
    p95: float
    p99: float


async def sealed_before(blobs: Blobs) -> Hour | None:
    """Return the hour before which everything is sealed."""
    watermark = await documents.find(blobs, WATERMARK_PATH, Watermark)
    return watermark.hour if watermark else None


async def is_sealed(blobs: Blobs, hour: Hour) -> bool:
    """Whether everything before an hour is sealed."""
    before = await sealed_before(blobs)
    return before is not None and before >= hour


async def stored(blobs: Blobs, *, since: Hour | None = None) -> Stored:
    """Read every sealed hour, or those from one on: what is imported lies before it."""
    ids: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    actuals = 0
    hours: Counter[str] = Counter()
    manifests = [one.path async for one in blobs.under("captures/hours/") if one.path.endswith("/_manifest.json")]
    for path in manifests:
        if since is not None and Hour.at_path(path) < since:
            continue
        manifest, _ = await documents.read(blobs, path, HourManifest)
        hours[manifest.kind] += 1
        if manifest.kind == Kind.ACTUAL:
            actuals += manifest.rows
            continue
        answered[Shelf.at_path(path).version] += manifest.rows
        for generation in manifest.generations:
            content = await blobs.read(path.replace("_manifest.json", generation.rows_file))
            rows, _ = read(content.data, only=["_id"])
            ids.update(rows.column("_id").to_pylist())
    return Stored(ids, answered, actuals, hours)


def lost_and_doubled(ledger: Ledger, found: Stored) -> tuple[int, int]:
    """Return how many acknowledged rows are not at rest, and how many ids are there twice."""
    lost = sum(found.predictions[one] == 0 for one in ledger.acknowledged)
    doubled = sum(times > 1 for times in found.predictions.values())
    return lost, doubled


async def joined(joins: Joins, version: Manifest, first: Hour, end: Hour) -> int:
    """Return how many predictions of these hours have an actual."""
    return sum(hour.joined for hour in await joins.counts(version, first, end))


async def decided(blobs: Blobs, model: str) -> dict[str, Decided]:
    """Return the decision of every period, the one made last where there are several, by the key of its first hour."""
    folder = f"monitoring/decisions/model={model}/"
    paths = [(one.modified_at, one.path) async for one in blobs.under(folder) if not one.path.endswith("/_newest.json")]
    losses = {one.losses.start: one.losses for one in await PeriodStore(blobs).of(model)}
    found: dict[str, Decided] = {}
    for _, path in sorted(paths):
        decision, _ = await documents.read(blobs, path, Decision)
        if decision.start in losses:
            found[decision.start] = Decided(path, decision, losses[decision.start])
    return found


async def delivered(sinks_url: str) -> list[dict[str, Any]]:
    """Return the alerts that arrived at the webhook with a signature that fits, in the order they came."""
    async with aiohttp.ClientSession() as session, session.get(f"{sinks_url}/webhooks") as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    messages = [json.loads(line["body"]) for line in lines if line["verdict"] == "valid"]
    once = {(message["data"]["id"], message["type"]): message for message in messages}
    return list(once.values())


def drift_alert(messages: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first alert of drift that was opened; None where none was."""
    return next(
        (one["data"] for one in messages if (one["type"], one["data"].get("signal")) == ("alert.opened", "drift")), None
    )


async def evaluations(blobs: Blobs, version: Manifest) -> list[Evaluation]:
    """Return every evaluation of a version."""
    folder = f"monitoring/evaluations/model={version.model}/version={version.version}/"
    paths = [one.path async for one in blobs.under(folder) if not one.path.endswith("/_newest.json")]
    return [(await documents.read(blobs, path, Evaluation))[0] for path in paths]


def best_estimated(found: Sequence[Evaluation]) -> Evaluation | None:
    """Return the newest that sets estimated performance beside what turned out, and best estimates on.

    None where there was too little to learn from. Where answers were not what estimates assume, there is none for a while.
    """
    beside = [one for one in found if one.performance is not None and one.performance.side_by_side]
    return max(beside, key=lambda one: (_goes_on(one), one.end), default=None)


def _goes_on(evaluation: Evaluation) -> bool:
    """Whether an evaluation estimates the metric that is judged."""
    report = evaluation.performance
    figure = report.estimated.get(report.metric) if report else None
    return figure is not None and figure.value is not None


def moved(evaluation: Evaluation) -> set[str]:
    """Return the features whose drift is a breach."""
    return {
        one.feature
        for judgement in evaluation.judgements
        if judgement.signal is Signal.DRIFT
        for one in judgement.measurements
        if one.verdict is Verdict.BREACH
    }


def latency(ledger: Ledger) -> Latency:
    """Return the quantiles of the requests' latencies, of which there is at least one."""
    p50, p95, p99 = np.percentile(ledger.latencies_ms, [50, 95, 99]).tolist()
    return Latency(p50, p95, p99)
