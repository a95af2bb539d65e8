"""A load, a nemesis, and afterwards the truth: how the random run and the long one go."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.blobs import Blobs, service
from tests.chaos import corruption
from tests.chaos.at_rest import Findings, examine, until_sealed
from tests.chaos.fleet import Fleet
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.nemesis import Act, Nemesis, shuffled
from tests.chaos.proxies.storage import EVERY

BEGIN: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
SPEED: Final = 600.0
"""An hour in six seconds: rows are spread over many hours, and some days end."""

_SEALED_WITHIN_S: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is sent and what is done: at least ``records`` acknowledged, and every act; whichever takes longer.

    ``fault_share`` is of the app's requests to storage; the hosts' own meet a fifth of it.
    """

    records: int
    records_a_second: float
    most_rows: int
    acts: Mapping[Act, int]
    fault_share: float
    seed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found by reading everything, what the account says, and what was done to blobs that it did not tell."""

    findings: Findings
    exit_code: int
    account: dict[str, Any]
    unnoticed: list[str]
    exit_code_after: int

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong and the account says so, and says otherwise when something is."""
        codes = (self.exit_code, self.exit_code_after)
        return self.findings.nothing_is_wrong and codes == (0, 0) and not self.account["wrong"] and not self.unnoticed


async def run(
    fleet: Fleet, plan: Plan, *, done: int = 0, seen: Callable[[Nemesis, Ledger], None] | None = None
) -> tuple[Nemesis, Ledger]:
    """Send and rage until both are through; ``done`` acts have been done before.

    Args:
        fleet: on which nothing fails yet.
        plan: see there.
        done: of the acts, in their order.
        seen: told how far it is, every second.
    """
    folder = fleet.system.folder
    chance = random.Random(plan.seed)
    acts = shuffled(plan.acts, chance)
    nemesis = Nemesis(fleet, acts, random.Random(chance.random() + done), folder / "nemesis.log", done)
    ledger = Ledger(folder / "ledger.jsonl")
    load = Load(
        ledger,
        fleet.addresses,
        fleet.system.key(),
        random.Random(chance.random() + done),
        plan.records_a_second,
        plan.most_rows,
    )
    fleet.storage.share, fleet.own_storage.share = plan.fault_share, plan.fault_share / 5
    fleet.storage.faults = EVERY
    watching = asyncio.create_task(_watch(nemesis, ledger, seen)) if seen else None
    try:
        async with asyncio.TaskGroup() as both:
            raging = both.create_task(nemesis.rage())
            both.create_task(load.send_until(lambda: raging.done() and ledger.acknowledged >= plan.records))
    finally:
        fleet.storage.share = fleet.own_storage.share = 0.0
        if watching:
            watching.cancel()
    return nemesis, ledger


async def judge(fleet: Fleet, ledger: Ledger) -> Verdict:
    """Find out the truth, then end the hosts, and hold the account against it."""
    findings = await truth(fleet, ledger)
    await fleet.stop_hosts()
    code, account = await corruption.verify(fleet.system)
    unnoticed = await corruption.unnoticed(fleet.system)
    code_after, _ = await corruption.verify(fleet.system)
    return Verdict(findings, code, account, unnoticed, code_after)


async def truth(fleet: Fleet, ledger: Ledger) -> Findings:
    """Wait until everything is sealed, and compare it with the ledger."""
    blobs = Blobs(service(fleet.system.settings["STORAGE"]))
    try:
        await until_sealed(blobs, fleet.system.clock, within_s=_SEALED_WITHIN_S)
        return await examine(blobs, ledger)
    finally:
        await blobs.close()


async def _watch(nemesis: Nemesis, ledger: Ledger, seen: Callable[[Nemesis, Ledger], None]) -> None:
    while True:
        seen(nemesis, ledger)
        await asyncio.sleep(1.0)
