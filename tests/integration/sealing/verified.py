"""A run of capture and sealing whose account is drawn up, and hands that change what it left in storage."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.blobs import Blobs
from shared.sealing.accounting.account import Account
from shared.sealing.accounting.asked import Asked
from shared.sealing.accounting.verifying import Verifying
from tests.integration.sealing.batches import Delivered, event, prediction
from tests.integration.sealing.conftest import NINE, Stages

MOST_SPOOL_S = 3600.0


@dataclass
class Run:
    """One partition's events, one a minute from nine o'clock; number 60 is the first of the next hour."""

    stages: Stages
    partition: str = "0"
    next_number: int = 0

    def event(self, number: int, *records: bytes) -> Delivered:
        at = NINE + timedelta(minutes=number)
        bodies = records or (prediction(at, float(number)),)
        return event(*bodies, sequence=number, at=at, partition=self.partition)

    async def capture(self, events: int) -> None:
        """Capture the next events, in one batch."""
        numbers = range(self.next_number, self.next_number + events)
        await self.stages.capturing().append([self.event(number) for number in numbers])
        self.next_number += events

    async def seal(self, *, hours: int) -> None:
        """Seal what is before so many hours after nine."""
        self.stages.calendar.set(NINE + timedelta(hours=hours, minutes=20))
        await self.stages.sealing().seal()


def verifying(stages: Stages, *, hours_kept_days: int = 0) -> Verifying:
    return Verifying(stages.blobs, stages.hub, stages.calendar, MOST_SPOOL_S, hours_kept_days)


async def verify(stages: Stages, asked: Asked | None = None, **settings: int) -> Account:
    return await verifying(stages, **settings).verify(asked or Asked())


async def deep(stages: Stages) -> Account:
    return await verify(stages, Asked(is_deep=True))


def wrong(account: Account) -> set[str]:
    """Return what is wrong, by name."""
    return {one.what for one in account.wrong}


async def rewrite(blobs: Blobs, path: str, change: Callable[[bytes], bytes]) -> None:
    """Change a blob as somebody does who has access to storage; a log stays an append blob."""
    data = (await blobs.read(path)).data
    await blobs.delete(path)
    if path.endswith(".jsonl"):
        await blobs.create_log(path)
        if change(data):
            await blobs.append(path, change(data), position=0)
    else:
        await blobs.create(path, change(data))


def lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


async def path_of(blobs: Blobs, prefix: str, holding: str = "") -> str:
    """Return the only blob under a prefix whose path holds a text."""
    (path,) = [one.path async for one in blobs.under(prefix) if holding in one.path]
    return path


def hours_after_nine(hours: float) -> datetime:
    return NINE + timedelta(hours=hours)
