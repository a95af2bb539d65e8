"""What leaves the scorer: features dropped, hashed with a key or coarsened; of rows and of whole tables, alike to the bit."""

import hmac
import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from shared.errors import InvalidSchema, UnfitPrivacyKey
from shared.schema import NUMERIC, TEXT, Coarsen, Drop, Feature, FeatureType, Hash, Schema
from shared.scoring.validation import Row, Scalar

if TYPE_CHECKING:  # a process that only scores loads no data frames
    import pyarrow as pa

Mask: TypeAlias = Callable[[Any], Scalar]
"""What is done to a value that is there, of its feature's type."""

_HASH_BYTES: Final = 16
_CHECK_BYTES: Final = 8


class Masks:
    """What a version's schema does to its features before they leave the scorer, compiled once.

    Attributes:
        schema: the version's schema as it is stored: it holds no value of a private feature but in the form that is
            captured. The masks of that schema are the same.
        names: the features that are recorded, in order.
        by_name: what is done to each of them; one that is kept as it is has no mask.
    """

    def __init__(self, schema: Schema, *, model: str, key: bytes) -> None:
        """Compile the masks of a version of ``model``; ``key`` is what it hashes with, empty where none is set.

        Raises:
            UnfitPrivacyKey: a feature is hashed, and there is no key, or another one than it was registered with.
        """
        self.by_name = {
            feature.name: mask for feature in schema.features if (mask := _mask(feature, model=model, key=key))
        }
        stored = tuple(_stored(feature, self.by_name.get(feature.name), key) for feature in schema.features)
        self.schema = msgspec.structs.replace(schema, features=stored)
        self.names = tuple(feature.name for feature in self.schema.captured.features)
        self._dropped = frozenset(feature.name for feature in schema.features) - frozenset(self.names)
        self._recorded = tuple(
            (index, self.by_name.get(feature.name))
            for index, feature in enumerate(schema.features)
            if feature.name not in self._dropped
        )

    def rows(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return what is recorded of validated rows, in the order of ``names``: the rows themselves, if nothing is private."""
        if not (self._dropped or self.by_name):
            return rows
        recorded = self._recorded
        return [
            [row[index] if mask is None or row[index] is None else mask(row[index]) for index, mask in recorded]
            for row in rows
        ]

    def table(self, rows: "pa.Table") -> "pa.Table":
        """Return what is recorded of a table that has features among its columns; all other columns stay as they are.

        A private feature's values are read as its type, NaN as missing, and become what ``rows`` makes of them.

        Raises:
            InvalidSchema: a column cannot be read as its feature's type.
        """
        rows = rows.drop_columns([name for name in rows.column_names if name in self._dropped])
        for feature in self.schema.features:
            mask = self.by_name.get(feature.name)
            if mask is not None and feature.name in rows.column_names:
                column = _masked(rows.column(feature.name), feature, mask)
                rows = rows.set_column(rows.column_names.index(feature.name), feature.name, column)
        return rows


def _mask(feature: Feature, *, model: str, key: bytes) -> Mask | None:
    if isinstance(feature.privacy, Hash):
        return _hashing(feature, _own_key(feature, feature.privacy, model=model, key=key))
    if isinstance(feature.privacy, Coarsen):
        return _coarsening(feature.type, feature.privacy.step)
    return None


def _own_key(feature: Feature, how: Hash, *, model: str, key: bytes) -> bytes:
    """Return the feature's own key: the same for all versions of a model, which are compared, and for no other feature."""
    if not key:
        raise UnfitPrivacyKey(
            model,
            feature.name,
            reason="PRIVACY_KEY is not set: set it to 32 random bytes in base64 (openssl rand -base64 32), the same where "
            "versions are registered and where they score",
        )
    if how.key not in (None, _check_value(key)):
        raise UnfitPrivacyKey(
            model,
            feature.name,
            reason="PRIVACY_KEY is not the one that the version was registered with: set that one, or register a new "
            "version",
        )
    return hmac.digest(key, f"driftline feature\0{model}\0{feature.name}".encode(), "sha256")


def _check_value(key: bytes) -> str:
    """Return what tells a key apart from others, and is of no use for finding it."""
    return hmac.digest(key, b"driftline key", "sha256")[:_CHECK_BYTES].hex()


def _hashing(feature: Feature, own_key: bytes) -> Mask:
    write = _WRITTEN[feature.type]

    def hashed(value: Any) -> str:  # noqa: ANN401 - of the feature's type
        return hmac.digest(own_key, write(value), "sha256")[:_HASH_BYTES].hex()

    return hashed


def _written_number(value: float) -> bytes:
    """Write a number the same way whether its feature is an integer, or a float since values were missing somewhere."""
    return b"number\0%s" % (str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)).encode()


_WRITTEN: Final[dict[FeatureType, Callable[[Any], bytes]]] = {
    FeatureType.FLOAT: _written_number,
    FeatureType.INTEGER: _written_number,
    FeatureType.BOOLEAN: lambda value: b"boolean\0true" if value else b"boolean\0false",
    FeatureType.CATEGORY: lambda value: b"text\0" + value.encode(),
    FeatureType.STRING: lambda value: b"text\0" + value.encode(),
}
"""What is hashed of a value: its kind goes in, so that the number 1 and the text 1 are two."""


def _coarsening(kind: FeatureType, step: float) -> Mask:
    if kind in TEXT:
        characters = int(step)
        return lambda text: text[:characters]
    return _rounding_integers(int(step)) if kind is FeatureType.INTEGER else _rounding_floats(step)


def _rounding_integers(step: int) -> Mask:
    lowest = -((1 << 63) // step)  # below it no multiple fits in 64 bits, which is what a column holds
    return lambda value: max(value // step, lowest) * step


def _rounding_floats(step: float) -> Mask:
    """Round as a person would on paper: 0.3 is three steps of 0.1, although the floats of that name are not.

    Numbers are taken for the shortest decimals that say them, rounded in whole numbers, and the one division at the end
    gives the float nearest to the decimal result.
    """
    over, under = Decimal(str(step)).as_integer_ratio()
    lowest = -(int(sys.float_info.max) * under // over)

    def rounded(value: float) -> float:
        if not math.isfinite(value):
            return value
        whole, parts = Decimal(repr(value)).as_integer_ratio()
        return max(whole * under // (parts * over), lowest) * over / under

    return rounded


def _stored(feature: Feature, mask: Mask | None, key: bytes) -> Feature:
    """Return a feature as its version's manifest has it: what it says of values says no more than what is captured."""
    replaced = msgspec.structs.replace
    match feature.privacy:
        case Drop():
            return replaced(feature, minimum=None, maximum=None, categories=None)
        case Hash(key=None):
            named = Hash(key=_check_value(key))
            hashes = _masked_categories(feature, mask)
            return replaced(feature, minimum=None, maximum=None, categories=hashes, privacy=named)
        case Hash():
            return replaced(feature, minimum=None, maximum=None)
        case Coarsen(step=step) if feature.type in NUMERIC:
            rounded = _rounding_floats(step)
            minimum, maximum = (None if end is None else rounded(end) for end in (feature.minimum, feature.maximum))
            return replaced(feature, minimum=minimum, maximum=maximum)
        case Coarsen():
            return replaced(feature, categories=_masked_categories(feature, mask))
    return feature


def _masked_categories(feature: Feature, mask: Mask | None) -> tuple[str, ...] | None:
    """Return the categories masked, in an order of their own: that of the plain ones would say something of them."""
    if feature.categories is None or mask is None:
        return feature.categories
    return tuple(sorted({str(mask(category)) for category in feature.categories}))


def _masked(column: "pa.ChunkedArray", feature: Feature, mask: Mask) -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    types = {
        FeatureType.FLOAT: pa.float64(),
        FeatureType.INTEGER: pa.int64(),
        FeatureType.BOOLEAN: pa.bool_(),
        FeatureType.CATEGORY: pa.string(),
        FeatureType.STRING: pa.string(),
    }
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    try:
        typed = column.cast(types[feature.type])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidSchema(feature=feature.name, reason=f"a column of {column.type} is no {feature.type}") from error
    kind = pa.string() if isinstance(feature.privacy, Hash) else typed.type
    made = []
    for chunk in typed.chunks:
        encoded = chunk.dictionary_encode()
        values = [mask(value) for value in encoded.dictionary.to_pylist()]
        made.append(pa.array(values, kind).take(encoded.indices))
    return pa.chunked_array(made, kind)
