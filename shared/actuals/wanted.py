"""Actuals, laid out so that their predictions are found fast."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.actuals.columns import STANDING
from shared.actuals.matching import Places, rare
from shared.sealing.tables.external import Keys, keys
from shared.sealing.tables.packed import Ids, pack, span, usual

_UUID = r"^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32})$"


MOST_ALIKE: Final = 100
"""An external id that more actuals of a step say names nothing, as "n/a" does: they are not looked for.

Otherwise each would be joined to each prediction that carries it, which no memory holds.
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Actuals whose predictions are looked for.

    Attributes:
        actuals: as ``STANDING`` has them.
        ids: of the predictions, ``in_order``; of those that say an id.
        of_ids: where in ``actuals`` each stands.
        keys: of external ids, in order; of the others, but for those that say what names nothing.
        of_keys: where each stands.
    """

    actuals: pa.Table
    ids: Ids
    of_ids: Places
    keys: Keys
    of_keys: Places

    @classmethod
    def of(cls, actuals: pa.Table) -> Self:
        """Lay them out."""
        actuals = actuals.combine_chunks()
        prediction_ids, own_keys = actuals.column("_prediction_id"), actuals.column("key")
        ids = pack(prediction_ids.drop_null())
        order = np.argsort(ids[:, 0], kind="stable")
        every_key, at = own_keys.drop_null().to_numpy(), _valid(own_keys)
        is_rare = rare(every_key, MOST_ALIKE)
        by_key = every_key[is_rare]
        key_order = np.argsort(by_key, kind="stable")
        return cls(
            actuals,
            ids[order],
            _valid(prediction_ids)[order],
            by_key[key_order],
            at[is_rare][key_order],
        )

    def within(self, low: str, high: str) -> tuple[Ids, Places]:
        """Return the ids that may be from ``low`` to ``high``, and where their actuals stand."""
        here = span(self.ids, low, high)
        return self.ids[here], self.of_ids[here]


def to_be_found(actuals: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Part sealed actuals into those that say their predictions by something that one may have, and the others.

    What says both an id and an external id goes by the id; an id is in its usual form, and a key stands for an external id.
    """
    said = actuals.column("_prediction_id")
    is_id = pc.fill_null(pc.match_substring_regex(said, _UUID), fill_value=False)
    is_key = pc.and_(pc.is_null(said), pc.is_valid(actuals.column("_external_id")))
    is_found_by_any = pc.or_(is_id, is_key)
    kept, rest = actuals.filter(is_found_by_any), actuals.filter(pc.invert(is_found_by_any))
    external_ids = pc.if_else(pc.is_null(kept.column("_prediction_id")), kept.column("_external_id"), _NO_TEXT)
    columns: dict[str, Any] = {
        **{name: kept.column(name) for name in kept.column_names},
        "_prediction_id": _usual(kept.column("_prediction_id")),
        "_external_id": external_ids,
        "key": _keys(external_ids),
        "found": pa.repeat(pa.scalar(value=False), kept.num_rows),
    }
    return pa.table([columns[field.name] for field in STANDING], schema=STANDING), rest


def _usual(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids, of which some may be missing, in their usual form."""
    at = _valid(ids)
    places = np.zeros(len(ids), dtype=np.int64)
    places[at] = np.arange(len(at))
    is_missing = np.ones(len(ids), dtype=bool)
    is_missing[at] = False
    return usual(ids.drop_null()).take(pa.array(places, mask=is_missing))


def _keys(external_ids: pa.ChunkedArray) -> pa.Array:
    at = _valid(external_ids)
    made = np.zeros(len(external_ids), dtype=np.uint64)
    made[at] = keys(external_ids.drop_null())
    missing = np.ones(len(external_ids), dtype=bool)
    missing[at] = False
    return pa.array(made, mask=missing)


def _valid(column: pa.ChunkedArray) -> Places:
    return np.flatnonzero(column.is_valid().to_numpy())


_NO_TEXT = pa.scalar(None, pa.string())
