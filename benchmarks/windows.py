"""Judging a month from its profiles: ``python -m benchmarks.windows --rows N [--seed S]``.

The month has 30 days of 50 features. Its days are the profiles of rows that were drawn, with every count multiplied until
the month holds N rows: no more rows than that need exist. Prints one JSON object: the CPU seconds of reading (decoding the
days) and of judging (adding them up, and judging), what a feature takes of an hour's profile, and how far the metrics of
profiles are from those of the rows, at worst.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Final

import msgspec
import pyarrow as pa

from benchmarks.columns import table
from benchmarks.records import HOUR
from shared.ids import uuid7
from shared.profiles import encoding
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.counts import pack, unpack
from shared.profiles.cutting import cut
from shared.profiles.profile import FeatureProfile, Profile, merge, profile
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals import measuring
from shared.signals.exact.comparing import compare
from shared.signals.exact.files import TableColumns
from shared.signals.judging import JudgingRules, judge

DAYS: Final = 30

_DRAWN_A_DAY = 10_000
_BASELINE_ROWS = 100_000
_METRICS = ("ks", "wasserstein_normalised", "jensen_shannon_distance", "psi", "mean_shift")


def judged(rows: int, *, seed: int) -> dict[str, float]:
    """Return the CPU seconds of reading and of judging a month of so many rows."""
    baseline = table(_BASELINE_ROWS, seed=seed, moved=False)
    bins = cut(baseline, schema_of(baseline))
    before = profile(baseline, bins)
    drawn = min(_DRAWN_A_DAY, rows // DAYS)
    days = [
        encoding.encode(_times(profile(table(drawn, seed=seed + day, moved=True), bins), rows // DAYS // drawn))
        for day in range(1, DAYS + 1)
    ]
    began = time.process_time()
    read = [encoding.decode(day, Profile, path="day") for day in days]
    was_read = time.process_time()
    month = reduce(merge, read)
    judge(before, month, bins, rules=JudgingRules())
    return {"rows": month.rows, "reading_s": was_read - began, "judging_s": time.process_time() - was_read}


def sizes(*, seed: int) -> Iterator[dict[str, float]]:
    """Yield the bytes a feature takes of an hour's profile, for hours of few and of many rows.

    Of rows with ids, as sealing has them: only those are sampled.
    """
    baseline = table(_BASELINE_ROWS, seed=seed, moved=False)
    bins = cut(baseline, schema_of(baseline))
    for rows in (1_000, 10_000, 100_000):
        hour = profile(identified(table(rows, seed=seed + 1, moved=True)), bins)
        yield {"rows": rows, "bytes_a_feature": len(encoding.encode(hour)) / len(bins.features)}


def errors(*, seed: int) -> Iterator[dict[str, str | float]]:
    """Yield by how much each metric of profiles differs from that of the rows, at most over all numbers."""
    before, now = (table(_BASELINE_ROWS, seed=seed, moved=moved) for moved in (False, True))
    bins = cut(before, schema_of(before))
    profiles = profile(before, bins), profile(now, bins)
    worst = dict.fromkeys(_METRICS, 0.0)
    for exact in compare(TableColumns(before), TableColumns(now)):
        if exact.kind == "number":
            sides = [one.features[exact.feature] for one in profiles]
            found = measuring.drift(exact.feature, bins.features[exact.feature], *sides, design_effect=1.0)
            assert found is not None  # noqa: S101 - it is a number
            metrics = {"ks": found.value or 0.0, **found.also}
            for metric in _METRICS:
                worst[metric] = max(worst[metric], abs(metrics[metric] - exact.metrics[metric]))
    for metric, error in worst.items():
        yield {"metric": metric, "largest_error": error}


def schema_of(rows: pa.Table) -> Schema:
    """Return the schema of drawn rows: what is called a category is one."""
    kinds = {
        name: FeatureType.CATEGORY if name.startswith("category") else FeatureType.FLOAT for name in rows.column_names
    }
    features = (
        Feature(name=name, type=kind, nullable=True, categories=_known(rows, name, kind))
        for name, kind in kinds.items()
    )
    return Schema(features=tuple(features), outputs=(Output(name="score", type=FeatureType.FLOAT),))


def _known(rows: pa.Table, name: str, kind: FeatureType) -> tuple[str, ...] | None:
    if kind is not FeatureType.CATEGORY:
        return None
    return tuple(sorted(rows.column(name).drop_null().unique().to_pylist()))


def identified(rows: pa.Table) -> pa.Table:
    """Return rows with an id each."""
    return rows.append_column("_id", pa.array([uuid7(HOUR) for _ in range(len(rows))]))


def _times(day: Profile, times: int) -> Profile:
    """Return the profile of every row so many times over."""
    features = {name: _feature_times(one, times) for name, one in day.features.items()}
    return msgspec.structs.replace(day, rows=day.rows * times, features=features)


def _feature_times(one: FeatureProfile, times: int) -> FeatureProfile:
    counts = unpack(one.packed, bins=sum(-run if run < 0 else 1 for run in one.packed)) * times
    packed, missing = pack(counts), one.missing * times
    if isinstance(one, CategoricalProfile):
        return msgspec.structs.replace(one, packed=packed, missing=missing, unseen=one.unseen * times)
    return msgspec.structs.replace(
        one, packed=packed, missing=missing, sum=one.sum * times, squares=one.squares * times
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.windows", description=__doc__)
    parser.add_argument("what", choices=("judged", "accuracy"))
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if asked.what == "judged":
        print(json.dumps(judged(asked.rows, seed=asked.seed)))
    else:
        print(json.dumps({"sizes": list(sizes(seed=asked.seed)), "errors": list(errors(seed=asked.seed))}))


if __name__ == "__main__":
    main()
