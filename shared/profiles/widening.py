"""What a version's schema knows, and what has become usual since."""

import msgspec
import pyarrow as pa

from shared.profiles.columns import words
from shared.schema import Feature, FeatureType, Output, Schema

USUAL = 1_000
"""A value that one row in so many has is a category of its own."""


def widened(schema: Schema, rows: pa.Table) -> Schema:
    """Return the schema with those categories added that are usual in ``rows``: what is accepted is no longer unseen."""

    def known(column: str, one: Feature | Output) -> tuple[str, ...] | None:
        if one.type is not FeatureType.CATEGORY or not rows.num_rows:
            return one.categories
        old = one.categories or ()
        found = words(rows, column).counts
        return (*old, *sorted(new for new, count in found.items() if count * USUAL >= rows.num_rows and new not in old))

    return msgspec.structs.replace(
        schema,
        features=tuple(msgspec.structs.replace(one, categories=known(one.name, one)) for one in schema.features),
        outputs=tuple(
            msgspec.structs.replace(one, categories=known(column, one))
            for column, one in zip(schema.output_columns, schema.outputs, strict=True)
        ),
    )
