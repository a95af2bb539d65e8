"""Small tables of every kind of feature, and hypothesis strategies for them."""

from uuid import UUID

import pyarrow as pa
from hypothesis import strategies as st

from shared.schema import Feature, FeatureType, Output, Schema

SCHEMA = Schema(
    features=(
        Feature(name="temp", type=FeatureType.FLOAT, nullable=True, minimum=-10.0, maximum=10.0),
        Feature(name="hour", type=FeatureType.INTEGER, minimum=0, maximum=23),
        Feature(name="rain", type=FeatureType.BOOLEAN),
        Feature(name="carrier", type=FeatureType.CATEGORY, categories=("AA", "UA")),
        Feature(name="tail", type=FeatureType.STRING),
    ),
    outputs=(
        Output(name="late", type=FeatureType.BOOLEAN),
        Output(name="probability", type=FeatureType.FLOAT),
    ),
)

ARROW = pa.schema(
    {
        "_id": pa.string(),
        "temp": pa.float64(),
        "hour": pa.int64(),
        "rain": pa.bool_(),
        "carrier": pa.string(),
        "tail": pa.string(),
        "prediction": pa.bool_(),
        "prediction.probability": pa.float64(),
    }
)


def table(rows: list[dict[str, object]]) -> pa.Table:
    """Return rows as a table with the columns of ``SCHEMA``; those without an id get one."""
    return pa.Table.from_pylist([{"_id": str(UUID(int=place)), **row} for place, row in enumerate(rows)], schema=ARROW)


_values: dict[str, st.SearchStrategy[object]] = {
    "_id": st.uuids(version=4).map(str),
    "temp": st.none() | st.floats() | st.sampled_from([0.0, -0.0, 1.5]),
    "hour": st.none() | st.integers(min_value=-(2**63), max_value=2**63 - 1) | st.integers(0, 23),
    "rain": st.none() | st.booleans(),
    "carrier": st.none() | st.sampled_from(["AA", "UA", "DL", "B6"]),
    "tail": st.none() | st.text(alphabet="ab\u00e9", max_size=3),
    "prediction": st.booleans(),
    "prediction.probability": st.floats(0, 1),
}

tables = st.lists(st.fixed_dictionaries(_values), max_size=60, unique_by=lambda row: str(row["_id"])).map(table)
"""Rows as they are sealed: no id is there twice."""
