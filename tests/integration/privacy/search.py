"""Everything that was stored, reported and logged, as text that can be searched."""

import gzip
import io
import json
from pathlib import Path

import pyarrow.parquet as pq

from shared.blobs import service

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"


async def blobs(storage: str) -> dict[str, bytes]:
    """Return every blob of every container by its path: its bytes, and what they say once they are decoded."""
    found: dict[str, bytes] = {}
    async with service(storage) as client:
        async for container in client.list_containers():
            within = client.get_container_client(container.name)
            async for blob in within.list_blobs():
                data = await (await within.download_blob(blob.name)).readall()
                found[f"{container.name}/{blob.name}"] = data + decoded(data)
    return found


def decoded(data: bytes) -> bytes:
    """Return what compressed bytes say: the text in gzip; of Parquet every value, and what is said of columns."""
    if data.startswith(_GZIP):
        return gzip.decompress(data)
    if data.startswith(_PARQUET):
        file = pq.ParquetFile(io.BytesIO(data))
        rows = json.dumps(file.read().to_pylist(), default=str, ensure_ascii=False)
        return f"{rows}{file.metadata.metadata}{file.schema_arrow}".encode()
    return b""


def files(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
