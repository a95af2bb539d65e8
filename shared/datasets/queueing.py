"""Which predictions would teach most if it were known how they turned out, and how they are handed to whoever finds that out.

The score of a prediction without an actual is a sum of three whole numbers:

* ``uncertain``, 0 to 9: 9 where two classes are as likely, less by one for each tenth of the margin between them. Answers
  without probabilities, and so those of every regressor, are at 0.
* ``drifted``, 0 to 8: the level of its values (``levels``), as a drift-aware sample has it.
* ``disagreed``, 0 to 9: how far the answers of other versions, where they were asked, are from the champion's.

Of those with one score the first by their keys come first, which say nothing of the rows: whoever asks again is given the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import ibis
from ibis.expr.types import Table

from shared.datasets.columns import VERSION, inside, kept
from shared.datasets.expressions import certainty, level
from shared.datasets.levels import Levels
from shared.datasets.manifest import Plan
from shared.datasets.sampling import CLASSES

ABOUT: Final = "_about"
DISAGREEMENT: Final = "_disagreement"
"""The columns of a table of disagreements: the id of a prediction, once, and 0 to 9."""

KEY: Final = "_key"
SCORE: Final = "_score"
PARTS: Final = {"uncertain": "_uncertainty", "drifted": "_level", "disagreed": DISAGREEMENT}
"""The columns of what a score is the sum of, by what they are called."""

COLUMNS: Final = ("prediction_id", "external_id", "at", "version", "prediction", "reasons", "score")
VALUE: Final = "value"

_ANSWER: Final = "prediction"


def queued(candidates: Table, plan: Plan, *, levels: Levels, disagreed: Table, most: int) -> Table:
    """Return the rows with the highest scores, highest first; those of which nothing is uncertain, new or disputed never.

    Args:
        candidates: of a plan that requires no actual and keeps no outputs (``expressions.candidates``).
        plan: what is looked at.
        levels: of its features.
        disagreed: ``ABOUT`` and ``DISAGREEMENT``.
        most: so many at most.
    """
    waiting = candidates.filter(candidates["_reason"].isnull(), candidates["_actual_enqueued_at"].isnull())
    beside = waiting.left_join(disagreed, waiting["_id"] == disagreed[ABOUT])
    parts = {
        "_uncertainty": (CLASSES - 1 - certainty(beside, plan.schema)) if plan.schema.probability_columns else 0,
        "_level": level(beside, plan.schema, levels),
        DISAGREEMENT: beside[DISAGREEMENT].coalesce(0),
    }
    scored = beside.mutate(**{name: ibis.literal(0, "int64") + part for name, part in parts.items()})
    scored = scored.mutate(_score=scored["_uncertainty"] + scored["_level"] + scored[DISAGREEMENT])
    ordered = scored.filter(scored[SCORE] > 0).order_by([scored[SCORE].desc(), scored[KEY]]).limit(most)
    columns = ["_id", "_external_id", "_at", VERSION, _ANSWER, *PARTS.values(), SCORE, KEY]
    return ordered.select(*columns, *map(inside, kept(plan)))


def first(rows: Sequence[Mapping[str, Any]], *, most: int) -> list[Mapping[str, Any]]:
    """Return the first of the rows of several days."""
    return sorted(rows, key=lambda row: (-row[SCORE], row[KEY]))[:most]


def to_fill_in(row: Mapping[str, Any], features: Sequence[str]) -> dict[str, Any]:
    """Return a row as it is handed out: ``COLUMNS``, its features, and no ``value`` yet.

    A feature that is called as another column is has ``feature.`` before its name.
    """
    own = {
        "prediction_id": row["_id"],
        "external_id": row["_external_id"],
        "at": row["_at"].isoformat(),
        "version": row[VERSION],
        "prediction": row[_ANSWER],
        "reasons": "; ".join(f"{what} {row[column]}" for what, column in PARTS.items() if row[column]),
        "score": row[SCORE],
    }
    values = {called: row[name] for called, name in zip(named(features), features, strict=True)}
    return {**own, **values, VALUE: None}


def named(features: Sequence[str]) -> list[str]:
    """Return what the columns of features are called.

    >>> named(["distance", "value"])
    ['distance', 'feature.value']
    """
    own = {*COLUMNS, VALUE}
    return [f"feature.{name}" if name in own else name for name in features]
