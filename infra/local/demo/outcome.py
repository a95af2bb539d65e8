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
from shared.blobs import Blobs
from shared.capture.records import Kind
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation
from shared.sealing.hours.hour import HourManifest, read
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.signals.judgement import Signal, Verdict


@dataclass(frozen=True, slots=True)
class Stored:
    """What is at rest: how often each id is there, and how many hours are sealed, by kind."""

    predictions: Counter[str]
    actuals: int
    hours: Counter[str]


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


async def stored(blobs: Blobs) -> Stored:
    """Read every sealed hour."""
    ids: Counter[str] = Counter()
    actuals = 0
    hours: Counter[str] = Counter()
    manifests = [one.path async for one in blobs.under("captures/hours/") if one.path.endswith("/_manifest.json")]
    for path in manifests:
        manifest, _ = await documents.read(blobs, path, HourManifest)
        hours[manifest.kind] += 1
        if manifest.kind == Kind.ACTUAL:
            actuals += manifest.rows
            continue
        for generation in manifest.generations:
            content = await blobs.read(path.replace("_manifest.json", generation.rows_file))
            rows, _ = read(content.data, only=["_id"])
            ids.update(rows.column("_id").to_pylist())
    return Stored(ids, actuals, hours)


def lost_and_doubled(ledger: Ledger, found: Stored) -> tuple[int, int]:
    """Return how many acknowledged rows are not at rest, and how many ids are there twice."""
    lost = sum(found.predictions[one] == 0 for one in ledger.acknowledged)
    doubled = sum(times > 1 for times in found.predictions.values())
    return lost, doubled


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
        (one["data"] for one in messages if (one["type"], one["data"]["signal"]) == ("alert.opened", "drift")), None
    )


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
