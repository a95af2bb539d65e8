"""External ids as a file has them: texts or whole numbers."""

import pyarrow as pa

from shared.errors import InvalidSchema


def external_ids(column: pa.ChunkedArray, name: str) -> list[str | None]:
    """Return the external id of each row as predictions have it, None where there is none.

    Raises:
        InvalidSchema: the column ``name`` holds something else. Of floats the text is another than the number's that was
            scored with, ``123.0`` for ``123``, and nothing would ever be found by it; pandas makes floats of whole numbers
            as soon as one is missing.

    >>> external_ids(pa.chunked_array([[123, None]]), "key")
    ['123', None]
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    types = pa.types
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind) or types.is_null(kind)):
        raise InvalidSchema(
            feature=name,
            reason=f"a column of {kind} holds no external ids: cast it to text, or to integers, as they were scored with",
        )
    return [None if one is None else str(one) for one in column.to_pylist()]
