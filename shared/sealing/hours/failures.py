"""How often requests failed, and over what: counted once, when they are sealed, so that nobody reads their rows for it."""

from collections import Counter
from collections.abc import Iterable

import msgspec
import pyarrow as pa


class FailureCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests failed with one code, over one feature; None where that is not said, or is none of the schema.

    ``rows`` is how many rows these requests had: one each where nobody knows, as of what was sealed before rows were
    counted.

    >>> FailureCount(code="invalid_rows", feature="distance", requests=2).rows
    2
    """

    code: str
    feature: str | None
    requests: int
    rows: int = 0

    def __post_init__(self) -> None:
        # Else a file that was sealed before would differ from its own rows when they are counted again.
        msgspec.structs.force_setattr(self, "rows", max(self.rows, self.requests))


def counted(rows: pa.Table) -> tuple[FailureCount, ...]:
    """Count the rows of failures, of which each is one request; in the order of codes and features."""
    codes, features = rows.column("code").to_pylist(), rows.column("feature").to_pylist()
    sizes = rows.column("rows").to_pylist() if "rows" in rows.column_names else [None] * rows.num_rows
    alike = Counter(zip(codes, features, sizes, strict=True))
    return _summed(
        FailureCount(code=code, feature=feature, requests=requests, rows=requests * (size or 1))
        for (code, feature, size), requests in alike.items()
    )


def added_up(parts: Iterable[tuple[FailureCount, ...] | None]) -> tuple[FailureCount, ...] | None:
    """Add up counts, in any order and grouping the same; None where one is, because then nobody knows the sum.

    >>> one = FailureCount(code="invalid_rows", feature="distance", requests=2, rows=2_000)
    >>> added_up([(one,), (one,)])
    (FailureCount(code='invalid_rows', feature='distance', requests=4, rows=4000),)
    >>> added_up([(one,), None])
    """
    known: list[FailureCount] = []
    for part in parts:
        if part is None:
            return None
        known += part
    return _summed(known)


def _summed(counts: Iterable[FailureCount]) -> tuple[FailureCount, ...]:
    requests: Counter[tuple[str, str | None]] = Counter()
    rows: Counter[tuple[str, str | None]] = Counter()
    for one in counts:
        requests[one.code, one.feature] += one.requests
        rows[one.code, one.feature] += one.rows
    return tuple(
        FailureCount(code=key[0], feature=key[1], requests=requests[key], rows=rows[key])
        for key in sorted(requests, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    )
