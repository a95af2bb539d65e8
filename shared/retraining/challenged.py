"""What versions that do not answer would have answered, as far as they were asked: where they disagree with the champion."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.blobs import Blobs
from shared.datasets.queueing import ABOUT, DISAGREEMENT
from shared.errors import BlobMissing
from shared.hours import Hour
from shared.registry.manifest import Task
from shared.retraining.asking import CHAMPION_ANSWER
from shared.retraining.challenging import challenges_folder
from shared.sealing.hours.hour import readable

_MOST = 9
_STEPS_A_DEVIATION = 10
_EMPTY = pa.schema([(ABOUT, pa.string()), (DISAGREEMENT, pa.int64())]).empty_table()


@dataclass(frozen=True, slots=True)
class Challenged:
    """Reads stored answers, and asks nobody."""

    blobs: Blobs

    async def disagreed(self, model: str, task: Task, first: Hour | None, end: Hour | None) -> pa.Table:
        """Return how far other versions disagree with the champion about predictions of some hours.

        Of several versions the one that disagrees most counts.

        Args:
            model: whose.
            task: of it.
            first: None for the first that there is.
            end: that is not looked at any more; None for all.

        Returns:
            ``queueing.ABOUT`` and ``queueing.DISAGREEMENT``; a prediction that nobody was asked about is not there.

        Raises:
            InvalidDocument: stored answers are damaged.
        """
        keys: dict[str, list[str]] = {}
        async for stored in self.blobs.under(challenges_folder(model)):
            folder, _, file = stored.path.rpartition("/")
            keys.setdefault(folder, []).append(file.removesuffix(".parquet"))
        paths = [
            f"{folder}/{period}.parquet" for folder, periods in keys.items() for period in _within(periods, first, end)
        ]
        parts = [await self._of(path, task, first, end) for path in paths]
        most = pa.concat_tables([_EMPTY, *parts]).group_by(ABOUT).aggregate([(DISAGREEMENT, "max")])
        return pa.table({ABOUT: most[ABOUT], DISAGREEMENT: most[f"{DISAGREEMENT}_max"]})

    async def _of(self, path: str, task: Task, first: Hour | None, end: Hour | None) -> pa.Table:
        try:
            data = (await self.blobs.read(path)).data
        except BlobMissing:  # retention took it meanwhile
            return _EMPTY
        with readable(path):
            columns = ["_id", "_hour", CHAMPION_ANSWER, "prediction"]
            answered = await asyncio.to_thread(lambda: pq.read_table(io.BytesIO(data), columns=columns))
        far = disagreement(answered, task)
        found = pa.table({ABOUT: answered["_id"], DISAGREEMENT: pa.array(far)})
        is_within = pc.and_(
            pc.greater_equal(answered["_hour"], first.key if first else ""),
            pc.less(answered["_hour"], end.key if end else "~"),
        )
        return found.filter(is_within)


def disagreement(answered: pa.Table, task: Task) -> NDArray[np.int64]:
    """Return how far each answer is from the champion's, from 0 (not at all) to 9.

    Another class is 9. Of numbers it is the distance in tenths of the standard deviation of what the champion answered to
    the same rows, without its fraction, and 9 at most.

    Args:
        answered: ``prediction``, and beside it the champion's.
        task: of both.
    """
    theirs, ours = answered["prediction"], answered[CHAMPION_ANSWER]
    if task is Task.CLASSIFICATION:
        is_other = pc.fill_null(pc.not_equal(theirs, ours), fill_value=False).to_numpy()
        return np.where(is_other, _MOST, 0).astype(np.int64)
    champion = _numbers(ours)
    apart = np.abs(_numbers(theirs) - champion)
    apart[~np.isfinite(apart)] = 0
    known = champion[np.isfinite(champion)]
    deviation = float(np.std(known)) if len(known) else 0.0
    if not deviation:
        return np.where(apart > 0, _MOST, 0).astype(np.int64)
    return np.minimum(np.floor(apart * _STEPS_A_DEVIATION / deviation), _MOST).astype(np.int64)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.array(pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(), dtype=np.float64)


def _within(periods: Sequence[str], first: Hour | None, end: Hour | None) -> list[str]:
    """Return the periods, by their first hours, that may have some of these: each ends by where the next begins."""
    ordered = [one for one in sorted(periods) if end is None or one < end.key]
    if first is None:
        return ordered
    return [one for one, following in pairwise([*ordered, "~"]) if following > first.key]
