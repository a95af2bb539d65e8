"""Expressions over tables of which only the name and the columns are known, as SQL.

No connection of Ibis is needed for that, and so nothing that it sets up, looks up or keeps.
"""

from collections.abc import Iterable
from typing import Literal

import ibis
import pyarrow as pa


def named(name: str, columns: pa.Schema, texts: Iterable[str] = ()) -> ibis.Table:
    """Return a table that an engine knows by this name, with some columns, and texts after them."""
    return ibis.table(
        ibis.Schema.from_pyarrow(pa.schema([*columns, *((text, pa.string()) for text in texts)])), name=name
    )


def query(rows: ibis.Table, dialect: Literal["duckdb", "pyspark"]) -> str:
    """Return the query that gives these rows."""
    text: str = getattr(ibis, dialect).compile(rows)
    return text


def shape(rows: ibis.Table) -> pa.Schema:
    """Return the columns of rows."""
    columns: pa.Schema = rows.schema().to_pyarrow()
    return columns
