"""Join what was sealed of every model, for some minutes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.actuals.sources import models
from shared.actuals.stepping import Stepping
from shared.blobs import Blobs
from shared.errors import BlobChanged, Fault, StorageUnavailable
from shared.telemetry import Telemetry

LONGEST_S: Final = 300.0
"""After that the next call goes on: past the host's ``functionTimeout`` the worker is ended, and requests with it."""
_MEETINGS: Final = 20


@dataclass(slots=True)
class Joining:
    """Joins the actuals of every model to their predictions."""

    blobs: Blobs
    stepping: Stepping
    telemetry: Telemetry
    monotonic: Callable[[], float] = time.monotonic

    async def join(self, model: str | None = None) -> int:
        """Join what is sealed and was not joined yet, and return how many steps that took.

        Models take turns. Killed at any point and called again, it comes to the same rows; so do several at the same time.
        Where one model cannot be joined, the others are.

        Args:
            model: the only one to join; None for all.

        Raises:
            ExceptionGroup: some models could not be joined, with the reasons.
            StorageUnavailable: what was joined stays joined; the rest waits for the next call.
            BlobChanged: others were faster twenty times in a row; likewise.
        """
        until = self.monotonic() + LONGEST_S
        left = [model] if model is not None else await models(self.blobs)
        failed: list[Fault] = []
        steps = 0
        while left and self.monotonic() <= until:
            for one in list(left):
                try:
                    goes_on = await self._step(one)
                except (StorageUnavailable, BlobChanged):
                    raise
                except Fault as fault:
                    self.telemetry.exception(fault, model=one)
                    failed.append(fault)
                    goes_on = False
                steps += goes_on
                if not goes_on:
                    left.remove(one)
                if self.monotonic() > until:
                    break
        if failed:
            raise ExceptionGroup("not every model could be joined", failed)
        return steps

    async def _step(self, model: str) -> bool:
        """Take a step, again from its beginning where another one was faster."""
        for _ in range(_MEETINGS - 1):
            try:
                return await self.stepping.step(model)
            except BlobChanged:
                continue
        return await self.stepping.step(model)
