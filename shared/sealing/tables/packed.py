"""Ids as the 128 bits they are: compared as numbers, a hundred thousand of them in milliseconds."""

import binascii
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.uint64]
"""Ids, shape (ids, 2): the upper half and the lower half of each."""

_LENGTH: Final = 36
_HYPHENS: Final = (8, 13, 18, 23)


def pack(ids: pa.ChunkedArray) -> Ids:
    """Pack a column of UUIDs as text, however they are written.

    Raises:
        ValueError: one is none.
    """
    parts = [_pack(chunk) for chunk in ids.chunks]
    return np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.uint64)


def usual(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of UUIDs in their usual form, lower case and with hyphens: it sorts as the bits do."""
    lengths = pc.min_max(pc.binary_length(ids))
    if lengths["min"].as_py() in {_LENGTH, None} and pc.all(pc.equal(ids, pc.ascii_lower(ids))).as_py() is not False:
        return ids
    return pa.chunked_array([pa.array([str(UUID(one)) for one in ids.to_pylist()], pa.string())])


def first_ones(ids: Ids, known: Sequence[Ids]) -> NDArray[np.bool_]:
    """Return of each id whether it stands there for the first time, and is not among ``known``; shape (ids,)."""
    # The lower halves are random in all but 2 bits, so that few are equal that are not of one id: the sort finds no
    # candidates in most hours, at a fiftieth of the cost of a set of texts.
    lower = np.sort(np.concatenate([ids[:, 1], *(some[:, 1] for some in known)]))
    twice = np.unique(lower[1:][lower[1:] == lower[:-1]])
    first = np.ones(len(ids), dtype=bool)
    if not len(twice):
        return first
    seen = {one for some in known for one in _pairs(some[np.isin(some[:, 1], twice)])}
    candidates = np.flatnonzero(np.isin(ids[:, 1], twice))
    for place, one in zip(candidates.tolist(), _pairs(ids[candidates]), strict=True):
        first[place] = one not in seen
        seen.add(one)
    return first


def ends(ids: Ids) -> tuple[str, str] | None:
    """Return the lowest and the highest id as texts in their usual form; None of none."""
    if not len(ids):
        return None
    upper = ids[:, 0]
    low = min(_pairs(ids[upper == upper.min()]))
    high = max(_pairs(ids[upper == upper.max()]))
    return _text(low), _text(high)


def in_order(ids: Ids) -> Ids:
    """Return ids sorted by their upper halves, as ``between`` takes them."""
    return ids[np.argsort(ids[:, 0])]


def between(ordered: Ids, low: str, high: str) -> Ids:
    """Return those ids, which are ``in_order``, that may be from ``low`` to ``high``, by the upper halves alone."""
    return ordered[span(ordered, low, high)]


def span(ordered: Ids, low: str, high: str) -> slice:
    """Return where those stand that ``between`` returns."""
    upper = ordered[:, 0]
    first = np.searchsorted(upper, np.uint64(UUID(low).int >> 64), side="left")
    last = np.searchsorted(upper, np.uint64(UUID(high).int >> 64), side="right")
    return slice(int(first), int(last))


def around(ordered: Ids, wanted: Ids) -> Ids:
    """Return those of some ids that may be ``wanted``, at least one; both are ``in_order``."""
    upper = ordered[:, 0]
    return ordered[np.searchsorted(upper, wanted[0, 0]) : np.searchsorted(upper, wanted[-1, 0], side="right")]


def _text(halves: tuple[int, int]) -> str:
    return str(UUID(int=halves[0] << 64 | halves[1]))


def _pairs(ids: Ids) -> Iterable[tuple[int, int]]:
    return zip(ids[:, 0].tolist(), ids[:, 1].tolist(), strict=True)


def _pack(ids: pa.Array) -> Ids:
    _, offsets, text = ids.buffers()
    at = np.frombuffer(offsets, dtype=np.int32)[ids.offset : ids.offset + len(ids) + 1] if offsets else np.zeros(1)
    if len(ids) and bool((np.diff(at) == _LENGTH).all()):
        letters = np.frombuffer(text, dtype=np.uint8)[at[0] : at[-1]].reshape(-1, _LENGTH)
        if bool((letters[:, _HYPHENS] == ord("-")).all()):
            return _halves(binascii.unhexlify(np.delete(letters, _HYPHENS, axis=1).tobytes()))
    return _halves(b"".join(UUID(one).bytes for one in ids.to_pylist()))


def _halves(bits: bytes) -> Ids:
    return np.frombuffer(bits, dtype=">u8").astype(np.uint64).reshape(-1, 2)
