"""Which predictions are kept when only some are."""

import hashlib


def is_kept(id: str, *, one_in: int) -> bool:  # noqa: A002 - what it is called everywhere
    """Whether the prediction with this id is among the kept ones: one in ``one_in`` (at least 1) of all ids.

    It follows from the id alone, so that whoever asks, whenever, is told the same.

    >>> [is_kept("0195d2b4-7c00-7000-8000-000000000001", one_in=number) for number in (1, 2, 3)]
    [True, True, False]
    """
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % one_in == 0
