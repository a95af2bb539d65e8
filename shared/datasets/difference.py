"""What two datasets differ in, as far as their manifests say."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from shared.datasets.manifest import Column, DatasetManifest, Fault, Input
from shared.datasets.recipe import Recipe


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows: how many, and the ids of the first twenty."""

    rows: int
    ids: tuple[str, ...]


class RowChanges(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows of two datasets differ, by their ids.

    Attributes:
        added: those that only the second has.
        removed: those that only the first has.
        changed: those of both that differ in a column that both have, and in the same type.
        columns: in how many rows each such column differs, without those that do in none; ``_split`` counts rows that went
            from one part to another.
        same: those of both that differ in none.
    """

    added: Ids
    removed: Ids
    changed: Ids
    columns: dict[str, int]
    same: int


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """One thing as the two datasets have it; None where one has not."""

    before: Any
    now: Any


class InputChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Which files only one of two datasets was made of, and which say something else now, as after an erasure."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class FaultChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Which hours only one of two datasets left out because of an alert that looks like a data fault."""

    added: tuple[Fault, ...]
    removed: tuple[Fault, ...]


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How one column lies in two datasets.

    Attributes:
        distance: the Jensen-Shannon distance; None where ``unknown`` says why.
        mean: of numbers.
        missing: the share of rows that have no value.
    """

    column: str
    distance: float | None
    mean: Sides
    missing: Sides
    unknown: str | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What two datasets differ in.

    Attributes:
        before: the name of the first.
        now: the name of the second.
        erased: those of which nothing but the manifest is left: then no rows are compared.
        recipe: by key, as ``sample.rows``; without what is the same.
        inputs: files that they depend on.
        faults: hours that were left out; None where one is from when that was not listed.
        columns: types by name, of columns that are not in both or have another type.
        counts: rows by split.
        rows: None where a side is erased.
        distributions: of features, the actual and outputs that both have; empty where a side is erased.
    """

    model: str
    before: str
    now: str
    erased: tuple[str, ...]
    recipe: dict[str, Sides]
    inputs: InputChanges
    faults: FaultChanges | None = None
    columns: dict[str, Sides]
    counts: Sides
    rows: RowChanges | None = None
    distributions: tuple[Distribution, ...] = ()


_NOTHING: Final = object()


def of_manifests(before: DatasetManifest, now: DatasetManifest) -> Difference:
    """Return what two manifests say that differs; nothing is said of the rows yet."""
    types = [{one.name: one.type for one in side.columns} for side in (before, now)]
    return Difference(
        model=now.model,
        before=before.dataset,
        now=now.dataset,
        erased=tuple(dict.fromkeys(one.dataset for one in (before, now) if one.state == "erased")),
        recipe=_recipes(before.recipe, now.recipe),
        inputs=_inputs(before.inputs, now.inputs),
        faults=_faults(before.faults, now.faults),
        columns=_changed(*types),
        counts=Sides(before=before.rows, now=now.rows),
    )


def columns_of_both(before: DatasetManifest, now: DatasetManifest) -> tuple[str, ...]:
    """Return the columns, beside the system's, that both have in the same type: features, the actual, outputs."""
    types = {one.name: one.type for one in before.columns}
    return tuple(one.name for one in now.columns if types.get(one.name) == one.type and not one.name.startswith("_"))


def distribution(
    column: str, before: DatasetManifest, now: DatasetManifest, *, distance: float | None, unknown: str | None
) -> Distribution:
    """Return how one column lies in both, by its distance and by what the manifests say of it."""
    sides = [(next(one for one in side.columns if one.name == column), side.rows) for side in (before, now)]
    return Distribution(
        column=column,
        distance=distance,
        mean=Sides(before=sides[0][0].mean, now=sides[1][0].mean),
        missing=Sides(before=_missing(*sides[0]), now=_missing(*sides[1])),
        unknown=unknown,
    )


def _missing(column: Column, rows: dict[str, int]) -> float | None:
    whole = sum(rows.values())
    return column.missing / whole if whole else None


def _recipes(before: Recipe, now: Recipe) -> dict[str, Sides]:
    return _changed(*(dict(_flat(msgspec.to_builtins(one))) for one in (before, now)))


def _flat(said: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value with the keys that lead to it."""
    for key, value in said.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _changed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Sides]:
    return {
        key: Sides(before=before.get(key), now=now.get(key))
        for key in before | now
        if before.get(key, _NOTHING) != now.get(key, _NOTHING)
    }


def _inputs(before: Iterable[Input], now: Iterable[Input]) -> InputChanges:
    first, second = ({one.path: one.sha256 for one in side} for side in (before, now))
    return InputChanges(
        added=tuple(sorted(second.keys() - first.keys())),
        removed=tuple(sorted(first.keys() - second.keys())),
        changed=tuple(sorted(path for path in first.keys() & second.keys() if first[path] != second[path])),
    )


def _faults(before: tuple[Fault, ...] | None, now: tuple[Fault, ...] | None) -> FaultChanges | None:
    if before is None or now is None:
        return None
    return FaultChanges(
        added=tuple(one for one in now if one not in before), removed=tuple(one for one in before if one not in now)
    )
