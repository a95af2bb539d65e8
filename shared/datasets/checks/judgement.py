"""How checks say what they found."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.manifest import Check, Outcome

MOST_IDS: Final = 20
"""Of the rows that a check is about, so many are named."""

_FROM_BAD_TO_GOOD: Final = (Outcome.FAILED, Outcome.WARNED, Outcome.UNKNOWN, Outcome.OK)


class Found:
    """How many rows there are of some sort, and the ids of the first."""

    def __init__(self) -> None:
        self.rows = 0
        self.ids: list[str] = []

    def add(self, some: pa.Table, which: pa.ChunkedArray) -> None:
        """Look at some rows more, with ``_id``; ``which`` says of each whether it is of that sort, null if not."""
        count = pc.sum(which).as_py() or 0
        if count and len(self.ids) < MOST_IDS:
            self.ids += some.filter(which)["_id"].slice(0, MOST_IDS - len(self.ids)).to_pylist()
        self.rows += count


def ok(name: str, reason: str) -> Check:
    """Return that nothing is wrong."""
    return Check(name=name, outcome=Outcome.OK, reason=reason)


def unknown(name: str, reason: str) -> Check:
    """Return that too little is there to say."""
    return Check(name=name, outcome=Outcome.UNKNOWN, reason=reason)


def warned(name: str, reason: str, *, rows: Sequence[str] = ()) -> Check:
    """Return what should be looked at, and refuses nothing."""
    return Check(name=name, outcome=Outcome.WARNED, reason=reason, rows=tuple(rows[:MOST_IDS]))


def failed(name: str, reason: str, *, mend: str, rows: Sequence[str] = ()) -> Check:
    """Return what refuses a dataset unless it is accepted, and what mends it."""
    said = f"{reason}: {mend}, or accept it by its name, {name}"
    return Check(name=name, outcome=Outcome.FAILED, reason=said, rows=tuple(rows[:MOST_IDS]))


def refused(name: str, reason: str, *, mend: str, rows: Sequence[str] = ()) -> Check:
    """Return what refuses a dataset whatever is accepted, and what mends it."""
    said = f"{reason}, and that is never accepted: {mend}"
    return Check(name=name, outcome=Outcome.FAILED, reason=said, rows=tuple(rows[:MOST_IDS]), acceptable=False)


def worst(found: Sequence[Check]) -> Check:
    """Return several findings of one check as one: the worst of them, with the reasons and rows of all that are as bad.

    It is accepted only if all of them can be.
    """
    outcome = next(one for one in _FROM_BAD_TO_GOOD if any(check.outcome is one for check in found))
    alike = [check for check in found if check.outcome is outcome]
    rows = dict.fromkeys(row for check in alike for row in check.rows)
    return Check(
        name=alike[0].name,
        outcome=outcome,
        reason="; ".join(check.reason for check in alike),
        rows=tuple(rows)[:MOST_IDS],
        acceptable=all(check.acceptable for check in alike),
    )


def percent(share: float) -> str:
    """Return a share as a person would write it.

    >>> percent(0.5), percent(0.00042), percent(0.0)
    ('50 %', '0.042 %', '0 %')
    """
    return f"{100 * share:.3g} %"
