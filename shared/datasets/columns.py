"""How columns are called inside an engine, and which of them a build reads.

DuckDB takes ``A`` and ``a`` for one column, SQL takes a dot for a path, and every engine has its own arithmetic of time. So
inside an engine a column has a name that none of them folds or quotes, and a moment is a number: microseconds since 1970, UTC.
"""

import re
from typing import Final

import pyarrow as pa

from shared.actuals.columns import joined_schema
from shared.capture.records import Kind
from shared.datasets.manifest import Plan
from shared.schema import FeatureType, Schema
from shared.sealing.tables.columns import TIME, arrow_schema

TIMES: Final = frozenset({"_at", "_enqueued_at", "_actual_at", "_actual_enqueued_at"})
"""The columns that hold moments; no feature does, and no feature's name begins so."""

HOUR: Final = "_hour"
VERSION: Final = "_version"
INPUT: Final = "_input"
BESIDE: Final = (HOUR, VERSION, INPUT)
"""What is said of a whole file of predictions, and stands beside each of its rows: its hour, its version and its path."""

ACTUAL: Final = "_actual"
GROUP: Final = "_group"
PPM: Final = "_ppm"

ORIGINAL: Final = "original-"
"""What the ids of rows of original training data begin with; of captured rows they are UUIDs."""

_SAFE: Final = re.compile("[a-z0-9_]+")
_CODED: Final = "_x"
_OF_PREDICTIONS: Final = ("_id", "_external_id", "_request_id", "_at", "_enqueued_at", "_weight")
_OF_ACTUALS: Final = (
    "_id",
    "_at",
    "_enqueued_at",
    "_actual_id",
    "_actual_at",
    "_actual_enqueued_at",
    "_actual_partition",
    "_actual_sequence",
    "_actual_index",
    "actual",
)


def inside(name: str) -> str:
    """Return what a column is called inside an engine.

    >>> inside("distance"), inside("A"), inside("prediction.probability")[:8]
    ('distance', '_x41', '_x707265')
    """
    return name if _SAFE.fullmatch(name) else f"{_CODED}{name.encode().hex()}"


def outside(name: str) -> str:
    """Return the name of a column of which ``inside`` made this one.

    >>> outside(inside("A")), outside("_at")
    ('A', '_at')
    """
    return bytes.fromhex(name.removeprefix(_CODED)).decode() if name.startswith(_CODED) else name


def stored(columns: pa.Schema) -> pa.Schema:
    """Return columns as they are outside an engine, given as they are inside."""
    return pa.schema(
        [(outside(one.name), TIME if one.name in TIMES and one.type == pa.int64() else one.type) for one in columns]
    )


def within(columns: pa.Schema) -> pa.Schema:
    """Return columns as they are inside an engine, given as they are outside."""
    return pa.schema([(inside(one.name), pa.int64() if one.name in TIMES else one.type) for one in columns])


def of_predictions(plan: Plan) -> pa.Schema:
    """Return the columns of sealed predictions that a build may look at."""
    sealed = arrow_schema(Kind.PREDICTION, plan.schema)
    features = [feature.name for feature in plan.schema.features]
    return pa.schema([sealed.field(name) for name in (*_OF_PREDICTIONS, *features, *plan.schema.output_columns)])


def of_actuals(schema: Schema) -> pa.Schema:
    """Return the columns of joined rows that say which actual counts."""
    joined = joined_schema(schema)
    return pa.schema([joined.field(name) for name in _OF_ACTUALS])


def kept(plan: Plan) -> list[str]:
    """Return the features and outputs that a dataset keeps, in the model's order."""
    wanted = set(plan.recipe.features)
    features = [one.name for one in plan.schema.features if not wanted or one.name in wanted]
    return [*features, *(plan.schema.output_columns if plan.recipe.outputs else ())]


def types(schema: Schema) -> dict[str, FeatureType]:
    """Return the type of each feature, by name."""
    return {feature.name: feature.type for feature in schema.features}
