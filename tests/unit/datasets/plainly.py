"""The same as an engine does with the expressions, row by row in plain Python; and how a build asks an engine."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets import expressions, queueing, sampling
from shared.datasets.columns import BESIDE, kept, of_actuals, of_predictions
from shared.datasets.engines import Engine
from shared.datasets.levels import Levels, levels
from shared.datasets.manifest import Plan
from shared.datasets.queueing import ABOUT, DISAGREEMENT
from shared.datasets.recipe import Sampling
from shared.schema import TEXT, FeatureType
from tests.unit.datasets.sealed_rows import Rows, Sealed

Taken = dict[str, tuple[int, Any]]
"""By id: how many rows it stands for in millionths, and the actual that counts."""


def built(
    engine: Engine, plan: Plan, files: Sequence[tuple[Sealed, str, str]], folder: Path
) -> tuple[pa.Table, dict[str, int]]:
    """Go through the steps of a build, day by day, and return the rows that are taken and how many are not by reason."""
    sample = plan.recipe.sample
    days: dict[str, list[tuple[Sealed, str, str]]] = defaultdict(list)
    for one in files:
        days[one[0].hour[:10]].append(one)
    tables = [_read(engine, plan, day) for day in days.values()]
    found: Levels | None = None
    if sample is not None and sample.by is Sampling.DRIFT_AWARE:
        start = sampling.scouted_from(1)
        each = [expressions.candidates(*both, plan) for both in tables]
        scouted = [engine.collect(expressions.scouted(one, plan, start=start)) for one in each]
        found = levels(plan.baseline, pa.concat_tables(scouted))
    each = [expressions.candidates(*both, plan, levels=found) for both in tables]
    counts = pa.concat_tables(engine.collect(expressions.counted(one)) for one in each)
    cuts = cut_rows = None
    if sample is not None:
        rows = sampling.totals(counts)
        allotted = sampling.allot(rows, sample)
        borders = sampling.borders(counts, allotted)
        at_border = engine.table(sampling.border_rows(borders))
        keys = pa.concat_tables(engine.collect(expressions.border_keys(one, borders, at_border)) for one in each)
        cuts = sampling.cuts(sample, rows, allotted, borders, keys)
        cut_rows = engine.table(cuts.rows())
    taken = []
    for place, one in enumerate(each):
        paths = engine.write(
            expressions.chosen(one, plan, cuts, cut_rows).order_by("_id"), folder / f"{engine.name}-{place}"
        )
        taken += [pq.read_table(path) for path in paths]
    return pa.concat_tables(taken, promote_options="permissive").sort_by("_id"), sampling.excluded(counts)


def taken(plan: Plan, rows: Sequence[Sealed]) -> tuple[Taken, Counter[str]]:
    """Return the same in another way: everything at once, and each stratum sorted whole."""
    strata: dict[str, list[tuple[str, str, Any]]] = defaultdict(list)
    excluded: Counter[str] = Counter()
    sample = plan.recipe.sample
    possible = [(one, row, _actual(plan, one, row)) for one in rows for row in one.predictions]
    reasons = [_reason(plan, *one) for one in possible]
    now = [row for (_, row, _), reason in zip(possible, reasons, strict=True) if reason is None]
    for (one, row, actual), reason in zip(possible, reasons, strict=True):
        if reason is not None:
            excluded[reason] += 1
            continue
        key = "" if sample is None else hashlib.md5(f"{sample.seed}|{row['_id']}".encode()).hexdigest()
        strata[_stratum(plan, one, row, now)].append((key, row["_id"], actual))
    allotted = sampling.allot({name: len(them) for name, them in strata.items()}, sample)
    found: Taken = {}
    for name, them in strata.items():
        for _, identity, actual in sorted(them, key=lambda one: one[0])[: allotted[name]]:
            found[identity] = (_ppm(plan, len(them), allotted[name]), actual)
    return found, excluded


def queue(plan: Plan, rows: Sequence[Sealed], disagreed: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return what is queued of these rows, all of it."""
    possible = [(one, row, _actual(plan, one, row)) for one in rows for row in one.predictions]
    now = [(one, row, actual) for one, row, actual in possible if _reason(plan, one, row, actual) is None]
    found = [
        {
            "_id": row["_id"],
            "_uncertainty": 9 - _certainty([row[name] for name in plan.schema.output_columns[1:]]),
            "_level": max(_level(plan, name, row[name], [row for _, row, _ in now]) for name in plan.baseline),
            "_disagreement": disagreed.get(row["_id"], 0),
            "_key": hashlib.md5(
                f"{plan.recipe.sample.seed if plan.recipe.sample else 0}|{row['_id']}".encode()
            ).hexdigest(),
        }
        for _, row, actual in now
        if actual is None
    ]
    scored = [one | {"_score": one["_uncertainty"] + one["_level"] + one["_disagreement"]} for one in found]
    return sorted((one for one in scored if one["_score"]), key=lambda one: (-one["_score"], one["_key"]))


def queued(
    engine: Engine, plan: Plan, files: Sequence[tuple[Sealed, str, str]], disagreed: Mapping[str, int], *, most: int
) -> list[dict[str, Any]]:
    """Return what an engine queues of the same rows."""
    both = _read(engine, plan, files)
    scouted = engine.collect(expressions.scouted(expressions.candidates(*both, plan), plan, start="000"))
    found = levels(plan.baseline, scouted)
    about = pa.table(
        {ABOUT: pa.array([*disagreed], pa.string()), DISAGREEMENT: pa.array([*disagreed.values()], pa.int64())}
    )
    candidates = expressions.candidates(*both, plan, levels=found)
    rows = engine.collect(queueing.queued(candidates, plan, levels=found, disagreed=engine.table(about), most=most))
    listed: list[dict[str, Any]] = rows.to_pylist()
    return listed


def columns_of(plan: Plan) -> list[str]:
    """Return what the rows that are taken consist of."""
    beginning = ["_id", "_external_id", "_request_id", "_at", "_enqueued_at", "_weight", "_actual", "_actual_at"]
    return [*beginning, "_actual_enqueued_at", "_input", "_ppm", "_group", *kept(plan)]


def _read(engine: Engine, plan: Plan, files: Sequence[tuple[Sealed, str, str]]) -> tuple[Any, Any]:
    said = zip(*((one.hour, one.version, f"{one.version}/{one.hour}") for one, _, _ in files), strict=True)
    beside = dict(zip(BESIDE, said, strict=True))
    predictions = engine.read([path for _, path, _ in files], of_predictions(plan), beside=beside)
    return predictions, engine.read([path for _, _, path in files], of_actuals(plan.schema))


def _known_at(row: dict[str, Any]) -> datetime:
    known: datetime = row["_enqueued_at"] or row["_at"]
    return known


def _actual(plan: Plan, one: Sealed, row: dict[str, Any]) -> dict[str, Any] | None:
    delay = plan.recipe.actuals.delay
    as_of = plan.recipe.as_of
    assert as_of is not None
    in_time = [
        actual
        for actual in one.actuals
        if actual["_id"] == row["_id"]
        and actual["_actual_enqueued_at"] < as_of
        and (delay is None or actual["_actual_enqueued_at"] - _known_at(row) <= delay)
    ]

    def place(actual: dict[str, Any]) -> tuple[Any, ...]:
        places = [actual[f"_actual_{name}"] for name in ("partition", "sequence", "index")]
        named = [-1 if number is None else number for number in places]
        return (actual["_actual_enqueued_at"], *named, actual["_actual_id"].lower())

    return max(in_time, key=place, default=None)


def _reason(plan: Plan, one: Sealed, row: dict[str, Any], actual: dict[str, Any] | None) -> str | None:
    recipe, as_of = plan.recipe, plan.recipe.as_of
    assert as_of is not None
    said: list[tuple[bool, str]] = [
        (_known_at(row) >= as_of, "after_as_of"),
        (one.hour in recipe.exclude.hours, "hour_excluded"),
        (any(f.version == one.version and f.start <= one.hour < f.end for f in plan.faults), "data_fault"),
        (recipe.exclude.canaries and (row["_external_id"] or "").startswith("canary-"), "canary"),
        (any(row[name] not in values for name, values in recipe.segments.items()), "segment"),
        (_known_at(row) + (recipe.actuals.delay or timedelta(0)) > as_of, "too_young"),
        (recipe.actuals.required and actual is None and _is_known_later(plan, one, row), "actual_after_as_of"),
        (recipe.actuals.required and actual is None, "no_actual"),
        (actual is not None and not _fits(actual["actual"], plan.schema.outputs[0].type), "misfit_actual"),
    ]
    return next((name for holds, name in said if holds), None)


def _is_known_later(plan: Plan, one: Sealed, row: dict[str, Any]) -> bool:
    as_of = plan.recipe.as_of
    assert as_of is not None
    return any(actual["_id"] == row["_id"] and actual["_actual_enqueued_at"] >= as_of for actual in one.actuals)


def _fits(value: Any, answer: FeatureType) -> bool:  # noqa: ANN401 - a text or a float
    if answer in TEXT:
        return True
    if not math.isfinite(value):
        return False
    if answer is FeatureType.BOOLEAN:
        return value in {0, 1}
    return answer is FeatureType.FLOAT or (value == math.floor(value) and abs(value) < 2**53)


def _stratum(plan: Plan, one: Sealed, row: dict[str, Any], now: Rows) -> str:
    sample = plan.recipe.sample
    match sample and sample.by:
        case Sampling.STRATIFIED if sample is not None:
            return "".join(_named(row[name]) for name in sample.strata)
        case Sampling.RECENT_FIRST:
            return one.hour[:10]
        case Sampling.UNCERTAINTY_FIRST:
            return str(_certainty([row[name] for name in plan.schema.output_columns[1:]]))
        case Sampling.DRIFT_AWARE:
            return str(max(_level(plan, name, row[name], now) for name in plan.baseline))
        case _:
            return ""


def _named(value: Any) -> str:  # noqa: ANN401 - a feature's
    if value is None:
        return "|-"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "|=" + text.replace("~", "~0").replace("|", "~1")


def _certainty(given: Sequence[float | None]) -> int:
    known = [one for one in given if one is not None and not math.isnan(one)]
    if len(known) < len(given):
        return 9
    first, second = (abs(2 * known[0] - 1), 0.0) if len(known) == 1 else sorted(known)[:-3:-1]
    return next((place for place in range(9) if first - second < (place + 1) / 10), 9)


def _bin(plan: Plan, name: str, value: Any) -> int | None:  # noqa: ANN401 - a feature's
    counts = plan.baseline[name]
    if value is None:
        return None
    if counts.edges:
        number = float(value)
        return sum(edge < number for edge in counts.edges) if math.isfinite(number) else None
    text = str(value).lower() if isinstance(value, bool) else value
    return counts.categories.index(text) if text in counts.categories else len(counts.categories)


def _level(plan: Plan, name: str, value: Any, now: Rows) -> int:  # noqa: ANN401 - a feature's
    place = _bin(plan, name, value)
    if place is None:
        return 0
    before = plan.baseline[name].rows
    current = Counter(_bin(plan, name, row[name]) for row in now)
    there = sum(current[one] for one in range(len(before)))
    share = Fraction(2 * current[place] + 1, 2 * there + len(before))
    ratio = share / Fraction(2 * before[place] + 1, 2 * sum(before) + len(before))
    return next((one for one in range(8, 0, -1) if ratio * ratio >= 2**one), 0)


def _ppm(plan: Plan, rows: int, chosen: int) -> int:
    sample = plan.recipe.sample
    if sample is None or sample.by in {Sampling.RECENT_FIRST, Sampling.UNCERTAINTY_FIRST}:
        return 10**6
    return round(Fraction(rows * 10**6, chosen))
