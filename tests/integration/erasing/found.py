"""Everything that is stored, decoded as far as it goes, and searched."""

import gzip
import io
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from shared.blobs import CONTAINERS, Blobs
from tests.integration.stored import everything


async def all_stored(blobs: Blobs) -> dict[str, bytes]:
    """Return every blob of every container."""
    return await everything(blobs, *(f"{name}/" for name in CONTAINERS))


async def holding(blobs: Blobs, *texts: str) -> dict[str, list[str]]:
    """Return the paths that hold each of some texts, in their paths, their bytes, or in what those say decoded."""
    stored = await all_stored(blobs)
    said = {path: path.encode() + data + decoded(data) for path, data in stored.items()}
    forms = {text: [text.encode(), *_packed(text)] for text in texts}
    return {
        text: [path for path, data in said.items() if any(form in data for form in some)]
        for text, some in forms.items()
    }


def decoded(data: bytes) -> bytes:
    """Return what compressed bytes say: of Parquet the pages, dictionaries, statistics and footers."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if not data.startswith(b"PAR1"):
        return b""
    file = pq.ParquetFile(io.BytesIO(data))
    parts = [str(file.metadata.metadata), str(file.schema_arrow.metadata), str(file.schema_arrow)]
    for group in range(file.metadata.num_row_groups):
        for column in range(file.metadata.num_columns):
            about = file.metadata.row_group(group).column(column)
            parts.append(str(about.statistics.to_dict() if about.statistics else ""))
    texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
    parts.append(str(file.read().to_pylist()))
    for column in pq.ParquetFile(io.BytesIO(data), read_dictionary=texts).read().columns:
        parts += [str(chunk.dictionary.to_pylist()) for chunk in column.chunks if pa.types.is_dictionary(chunk.type)]
    return "\n".join(parts).encode()


def _packed(text: str) -> list[bytes]:
    """Return an id as the bits it is as well."""
    try:
        return [UUID(text).bytes, UUID(text).hex.encode()]
    except ValueError:
        return []
