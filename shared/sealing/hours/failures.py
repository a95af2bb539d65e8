"""How often requests failed, and over what: counted once, when they are sealed, so that nobody reads their rows for it."""

from collections import Counter
from collections.abc import Iterable

import msgspec
import pyarrow as pa


class FailureCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests failed with one code, over one feature; None where that is not said, or is none of the schema."""

    code: str
    feature: str | None
    requests: int


def counted(rows: pa.Table) -> tuple[FailureCount, ...]:
    """Count the rows of failures, of which each is one request; in the order of codes and features."""
    return _in_order(Counter(zip(rows.column("code").to_pylist(), rows.column("feature").to_pylist(), strict=True)))


def added_up(parts: Iterable[tuple[FailureCount, ...] | None]) -> tuple[FailureCount, ...] | None:
    """Add up counts, in any order and grouping the same; None where one is, because then nobody knows the sum.

    >>> one = FailureCount(code="invalid_rows", feature="distance", requests=2)
    >>> added_up([(one,), (one,)])
    (FailureCount(code='invalid_rows', feature='distance', requests=4),)
    >>> added_up([(one,), None])
    """
    found: Counter[tuple[str, str | None]] = Counter()
    for part in parts:
        if part is None:
            return None
        for one in part:
            found[one.code, one.feature] += one.requests
    return _in_order(found)


def _in_order(counts: Counter[tuple[str, str | None]]) -> tuple[FailureCount, ...]:
    return tuple(
        FailureCount(code=code, feature=feature, requests=requests)
        for (code, feature), requests in sorted(
            counts.items(), key=lambda one: (one[0][0], one[0][1] is not None, one[0][1] or "")
        )
    )
