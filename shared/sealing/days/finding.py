"""Days as they were rolled up, found."""

from shared.documents import Found, Reader
from shared.errors import BlobMissing, InvalidDocument
from shared.sealing.days.day import Day


async def rolled_up(reader: Reader, path: str, *, etag: str | None = None) -> Found[Day] | None:
    """Return a day's document; None where there is none, or one that is only begun: the day's hours are read then.

    Args:
        reader: what reads it.
        path: where it is (``day_path``).
        etag: of the newest bytes, as a listing said; None to read them in any case.

    Raises:
        InvalidDocument: it cannot be read.
    """
    try:
        return await reader.read(path, Day, etag=etag)
    except BlobMissing:
        return None
    except InvalidDocument as invalid:
        if invalid.is_empty:
            return None
        raise
