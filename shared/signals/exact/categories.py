"""One category, compared row by row."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidSchema
from shared.profiles.counts import Counts
from shared.signals.drift import chi_squared, contingency_degrees, jensen_shannon_distance, l_infinity, psi
from shared.signals.exact.comparison import Comparison, Side
from shared.signals.exact.shares import missing_share_increase
from shared.signals.significance import chi_squared_p_value, largest_share_p_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """A column of categories, counted.

    Attributes:
        side: its rows.
        names: each category once, as text, an Arrow array of shape (categories,).
        counts: rows of each, shape (categories,), none zero.
    """

    side: Side
    names: pa.Array
    counts: Counts

    @classmethod
    def of(cls, column: pa.ChunkedArray, name: str) -> Self:
        """Count strings, booleans or dictionaries of them; null is missing.

        Raises:
            InvalidSchema: the column holds something that has no text.
        """
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        chunks = encoded.unify_dictionaries().chunks
        # unified: all chunks count over the same categories
        names = chunks[0].dictionary if chunks else pa.nulls(0)
        counts = np.zeros(len(names), dtype=np.int64)
        for chunk in chunks:
            counts += np.bincount(np.from_dlpack(chunk.indices.drop_null()), minlength=len(names))
        try:
            names = names.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InvalidSchema(feature=name, reason=f"a column of {column.type} holds no text") from error
        seen = np.flatnonzero(counts)
        # not pa.array(seen): it imports pandas
        places = pa.Array.from_buffers(pa.int64(), len(seen), [None, pa.py_buffer(seen)])
        return cls(
            side=Side(rows=len(column), missing=len(column) - int(counts.sum())),
            names=names.take(places),
            counts=counts[seen],
        )

    def compare(self, feature: str, current: "Categories", *, design_effect: float) -> Comparison:
        """Compare a window with this baseline; every category of either side has a bin of its own."""
        missing, missing_p_value = missing_share_increase(self.side, current.side, design_effect=design_effect)
        metrics, p_values = {"missing_share_increase": missing}, {"missing_share_increase": missing_p_value}
        counts = _over_all(self, current)
        unknown = None
        if not len(self.counts):
            unknown = "the baseline holds no value to compare with"
        elif not len(current.counts):
            unknown = "there is no value to compare"
        elif len(counts[0]) == 1:  # one category on both sides: nothing has moved, and nothing could be told apart
            metrics |= dict.fromkeys(("psi", "jensen_shannon_distance", "chi_squared", "l_infinity"), 0.0)
        else:
            statistic = chi_squared(*counts)
            metrics |= {
                "psi": psi(*counts),
                "jensen_shannon_distance": jensen_shannon_distance(*counts),
                "chi_squared": statistic,
                "l_infinity": l_infinity(*counts),
            }
            p_values |= {
                "chi_squared": chi_squared_p_value(statistic / design_effect, degrees=contingency_degrees(*counts)),
                "l_infinity": largest_share_p_value(*counts, design_effect=design_effect),
            }
        return Comparison(
            feature=feature,
            kind="category",
            baseline=self.side,
            current=current.side,
            metrics={name: value for name, value in metrics.items() if value is not None and math.isfinite(value)},
            p_values={name: value for name, value in p_values.items() if value is not None and math.isfinite(value)},
            unknown=unknown,
        )


def _over_all(baseline: Categories, current: Categories) -> tuple[Counts, Counts]:
    """Return both sides' rows over the categories of either: those of the baseline first, then those new."""
    places = pc.index_in(current.names, value_set=baseline.names)
    known = np.from_dlpack(pc.is_valid(places).cast(pa.uint8())).astype(bool)
    at = np.from_dlpack(places.drop_null())
    again = np.zeros_like(baseline.counts)
    again[at] = current.counts[known]
    new = current.counts[~known]
    return np.append(baseline.counts, np.zeros_like(new)), np.append(again, new)
