"""What nobody who compares rows exactly can do without: ``python -m benchmarks.floor BASELINE CURRENT``.

Every column of both Parquet files is decoded, one at a time, and every number sorted once, without its nulls.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def main() -> None:
    """Decode and sort."""
    for path in sys.argv[1:3]:
        schema = pq.read_schema(path)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        file = pq.ParquetFile(path, read_dictionary=texts)
        for field in schema:
            column = file.read(columns=[field.name], use_threads=False).column(0)
            if field.name not in texts:
                np.sort(np.from_dlpack(column.drop_null().combine_chunks()))
    print("{}")


if __name__ == "__main__":
    main()
