"""Whose rows are to go, and which rows those are: of tables, and of records in JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeAlias, cast

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.errors import Inseparable, InvalidSchema
from shared.registry.manifest import Manifest
from shared.schema import Coarsen, Drop, Feature, FeatureType
from shared.scoring.privacy import Masks
from shared.sealing.hours.erased import among, hash_of

Value: TypeAlias = float | int | bool | str

_IDS: Final = ("_id", "_prediction_id", "_actual_id")
_TRUTHS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One subject of one model.

    Attributes:
        model: whose rows.
        external_id: by which its rows are known; None where they are by a feature.
        feature: by whose value they are; None likewise.
        stored: the value in the form that each version's rows have it in; versions that have no such feature are not in it.
            Under no name it is as it was asked, for rows of versions that nobody knows, and of training data.
        hashes: of the ids of its records, as far as they were found, now or before.
        told_by: the external ids that its predictions carry: actuals come by them. They are nowhere written down. The ids
            of those actuals are, before a prediction goes; so whoever goes on after a kill misses none but what came
            later, and that is kept as it is kept after any erasure.
        is_new: whether an id of it was found in this run.
    """

    model: str
    external_id: str | None = None
    feature: str | None = None
    stored: Mapping[str, Value]
    hashes: frozenset[str] = frozenset()
    told_by: frozenset[str] = frozenset()
    is_new: bool = False

    def knowing(self, ids: Iterable[str], external_ids: Iterable[str] = ()) -> Self:
        """Return it with more of its ids known."""
        hashes = frozenset(map(hash_of, ids)) - self.hashes
        return replace(
            self,
            hashes=self.hashes | hashes,
            told_by=self.told_by.union(external_ids),
            is_new=self.is_new or bool(hashes),
        )

    def rows(self, table: pa.Table, version: str | None = None) -> NDArray[np.bool_]:
        """Return which rows of a table are its own, shape (rows,).

        Rows are by their ids, by the external id, and by the feature, whichever of these the table has as columns;
        ``version`` says in which form they have the feature, None that it may be any.
        """
        own = np.zeros(table.num_rows, dtype=bool)
        for name in _IDS:
            if name in table.column_names:
                own |= among(table.column(name), self.hashes)
        if "_external_id" in table.column_names:
            # What has a prediction's id is an actual: it may be told by any of the external ids.
            is_told = "_prediction_id" in table.column_names
            known = self.told_by if is_told else frozenset()
            known |= frozenset([self.external_id] if self.external_id is not None else [])
            own |= _in(table.column("_external_id"), known)
        if self.feature is not None and self.feature in table.column_names:
            for value in self._forms(version):
                own |= equal(table.column(self.feature), value)
        return own

    def has(self, line: bytes, version: str | None) -> bool:
        """Whether a record in JSON, as it stands in a log, is its own.

        Of a record that cannot be read nobody knows: it is where it holds the text that is looked for.
        """
        try:
            record = _RECORDS.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return any(text.encode() in line for text in self._texts())
        if self._has_id(record.id) or self._has_id(record.prediction_id):
            return True
        if isinstance(record.external_id, str) and (
            record.external_id == self.external_id or (record.kind == "actual" and record.external_id in self.told_by)
        ):
            return True
        if self.feature is None or not isinstance(record.inputs, dict):
            return False
        value = record.inputs.get(self.feature)
        return any(is_same(value, one) for one in self._forms(version))

    def known(self, table: pa.Table) -> NDArray[np.bool_]:
        """Return which rows of a table with ids are its own, and under an id that is known; shape (rows,)."""
        return among(table.column("_id"), self.hashes)

    def knows_record(self, line: bytes) -> bool:
        """Whether a record that is its own has an id that is known, or none by which it could come again."""
        own, _ = self.ids_in(line)
        return own is None or self._has_id(own)

    def is_known_by(self, value: Value) -> bool:
        """Whether a value is the one that it is known by, in any version's form."""
        return any(is_same(value, one) for one in self.stored.values())

    def ids_in(self, line: bytes) -> tuple[str | None, str | None]:
        """Return the id of a record that can be read, and its external id."""
        try:
            record = _RECORDS.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None, None
        return (
            record.id if isinstance(record.id, str) else None,
            record.external_id if isinstance(record.external_id, str) else None,
        )

    def _forms(self, version: str | None) -> list[Value]:
        return [value for one, value in self.stored.items() if version in {None, one}]

    def _has_id(self, record_id: object) -> bool:
        return isinstance(record_id, str) and bool(self.hashes) and hash_of(record_id) in self.hashes

    def _texts(self) -> list[str]:
        texts = [self.external_id, *self.stored.values()]
        return [one for one in texts if isinstance(one, str) and one]


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms that versions hold a value in, and why others cannot be told apart by it, by version."""

    stored: dict[str, Value]
    untold: dict[str, str]


def forms(versions: Iterable[Manifest], feature: str, text: str, *, key: bytes) -> Forms:
    """Return the forms in which the rows of versions hold the value that ``text`` says of a feature.

    Args:
        versions: of one model, at least one.
        feature: its name.
        text: the value, as it is written on a command line.
        key: what features are hashed with, empty where none is set.

    Raises:
        InvalidSchema: no version has the feature, or the text says no value of it.
        Inseparable: no version's rows can be told apart by it.
        UnfitPrivacyKey: it is hashed with another key than this.
    """
    found = Forms({}, {})
    plain: dict[str, Value] = {}
    model = ""
    for version in versions:
        model = version.model
        own = next((one for one in version.schema.features if one.name == feature), None)
        if own is None:
            continue
        value = plain[""] = parsed(own, text)
        if isinstance(own.privacy, Drop):
            found.untold[version.version] = "it is dropped before it leaves the scorer: no row has it"
        elif isinstance(own.privacy, Coarsen):
            found.untold[version.version] = "it is coarsened before it leaves the scorer: rows of others have the same"
        else:
            mask = Masks(version.schema, model=version.model, key=key).by_name.get(feature) if own.privacy else None
            found.stored[version.version] = value if mask is None else cast("Value", mask(value))
    if not plain:
        raise InvalidSchema(feature=feature, reason="no version of the model has such a feature")
    if not found.stored:
        raise Inseparable(model, feature, reason=next(iter(found.untold.values())))
    return Forms({**found.stored, **plain}, found.untold)


def parsed(feature: Feature, text: str) -> Value:
    """Return the value of a feature that a text says.

    Raises:
        InvalidSchema: it says none; the text is not repeated.

    >>> parsed(Feature(name="age", type=FeatureType.INTEGER), "41")
    41
    """
    try:
        if feature.type is FeatureType.FLOAT:
            return float(text)
        if feature.type is FeatureType.INTEGER:
            return int(text)
        if feature.type is FeatureType.BOOLEAN:
            return _TRUTHS[text.lower()]
    except (ValueError, KeyError):
        raise InvalidSchema(feature=feature.name, reason=f"the value is no {feature.type}") from None
    return text


def equal(column: pa.ChunkedArray, value: Value) -> NDArray[np.bool_]:
    """Return which values of a column are a value; none where the column's type cannot hold it; shape (rows,)."""
    column = _plain(column)
    if not _holds(column.type, value):
        return np.zeros(len(column), dtype=bool)
    try:
        wanted = pa.scalar(value).cast(column.type)
    except (pa.ArrowInvalid, OverflowError):  # a fraction, among whole numbers, or more than those go up to
        return np.zeros(len(column), dtype=bool)
    found: NDArray[np.bool_] = pc.fill_null(pc.equal(column, wanted), fill_value=False).to_numpy()
    return found


def _holds(kind: pa.DataType, value: Value) -> bool:
    if isinstance(value, str):
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    if isinstance(value, bool):
        return bool(pa.types.is_boolean(kind))
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with each value as it is: files that people hand over have dictionaries of their own."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _in(column: pa.ChunkedArray, texts: frozenset[str]) -> NDArray[np.bool_]:
    column = _plain(column)
    if not texts or not pa.types.is_string(column.type):
        return np.zeros(len(column), dtype=bool)
    found: NDArray[np.bool_] = pc.is_in(column, value_set=pa.array(sorted(texts), pa.string())).to_numpy()
    return found


def is_same(value: object, wanted: Value | None) -> bool:
    """Whether a value in JSON is the one that is wanted, if any: true is not 1, as it is for Python."""
    return wanted is not None and value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


class _Record(msgspec.Struct, frozen=True):
    """What of a record may tell whose it is; of any type, because logs hold whatever came."""

    kind: Any = None
    id: Any = None
    external_id: Any = None
    prediction_id: Any = None
    inputs: Any = None


_RECORDS: Final = msgspec.json.Decoder(_Record)
