"""The same join in plain pandas, as one writes it: ``python -m benchmarks.plain_pandas FOLDER --rows N``.

All hours are read at once, up to so many rows; of each prediction the last actual is taken, and of the pairs a tenth by
chance, which is sorted by id and written. That is less than a build does: rows are drawn evenly and not by how far their
values have drifted, nothing is hashed, split, checked or said. Prints one JSON object.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow.parquet as pq

from benchmarks.captured_month import SCHEMA

_TENTH: Final = 0.1
_PREDICTIONS: Final = ["_id", "_external_id", "_request_id", "_at", "_weight"]
_ACTUALS: Final = ["_id", "_actual_at", "actual"]
_ORDER: Final = ["_actual_enqueued_at", "_actual_partition", "_actual_sequence", "_actual_index", "_actual_id"]


def join(folder: Path, *, rows: int, seed: int) -> dict[str, Any]:
    """Join the first hours, so many that they have ``rows`` rows, and say how long that took."""
    began = time.monotonic()
    captures = folder / "blobs" / "captures"
    hours = _hours(captures / "hours", rows)
    joins = [one for hour in hours for one in sorted((captures / "joins").glob(f"model=*/version=*/{hour}/rows-*"))]
    sealed = [
        one for hour in hours for one in sorted((captures / "hours").glob(f"kind=*/model=*/version=*/{hour}/rows-*"))
    ]
    features = [feature.name for feature in SCHEMA.features]
    predictions = pd.concat([pd.read_parquet(one, columns=_PREDICTIONS + features) for one in sealed])
    actuals = pd.concat([pd.read_parquet(one, columns=_ACTUALS + _ORDER) for one in joins])
    last = actuals.sort_values(_ORDER).drop_duplicates("_id", keep="last")
    pairs = predictions.merge(last[_ACTUALS], on="_id")
    drawn = pairs.sample(frac=_TENTH, random_state=seed).sort_values("_id")
    to = folder / "plain_pandas.parquet"
    drawn.to_parquet(to)
    to.unlink()
    return {"rows": len(predictions), "drawn": len(drawn), "seconds": time.monotonic() - began}


def _hours(sealed: Path, rows: int) -> list[str]:
    """Return the first hours, as folders are called, that have so many rows; all where they have fewer."""
    found: dict[str, int] = {}
    for path in sorted(sealed.glob("kind=*/model=*/version=*/date=*/hour=*/rows-*.parquet")):
        hour = "/".join(path.parts[-3:-1])
        if hour not in found and sum(found.values()) >= rows:
            break
        found[hour] = found.get(hour, 0) + pq.read_metadata(path).num_rows
    return list(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Join, and say how long that took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain_pandas", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    print(json.dumps(join(asked.folder, rows=asked.rows, seed=asked.seed)))


if __name__ == "__main__":
    main()
