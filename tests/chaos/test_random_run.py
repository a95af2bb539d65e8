"""Everything at once, by chance: hosts are killed and frozen, the hub restarts, storage fails, lines are cut."""

from pathlib import Path
from typing import Final

from shared.clock import Clock
from tests.chaos import campaign
from tests.chaos.fleet import fleet
from tests.chaos.nemesis import Act
from tests.chaos.proxies.storage import EVERY

PLAN: Final = campaign.Plan(
    records=50_000,
    records_a_second=800.0,
    most_rows=50,
    acts={
        Act.KILL: 10,
        Act.FREEZE: 5,
        Act.RESTART_HUB: 2,
        Act.CUT_LINE: 2,
        Act.MUTE_LINE: 1,
        Act.STALL_LINE: 1,
        Act.FORGET_LINE: 1,
    },
    fault_share=0.05,
    seed=20_260_301,
)


async def test_nothing_acknowledged_is_lost_or_doubled_and_the_account_says_so(tmp_path: Path) -> None:
    """The first promise, while everything that can fail does; and what is done to blobs afterwards is told."""
    clock = Clock.starting(campaign.BEGIN, speed=campaign.SPEED)
    async with fleet(tmp_path, hosts=3, clock=clock) as system:
        nemesis, ledger = await campaign.run(system, PLAN)
        verdict = await campaign.judge(system, ledger)

    assert nemesis.counts() == {act.name: count for act, count in PLAN.acts.items()}
    assert {fault.name for fault in EVERY} == set(system.storage.met), "every fault was met"
    assert ledger.acknowledged >= PLAN.records
    assert verdict.holds, f"{verdict}\nwhat was done is in {nemesis.log}, logs are beside it"
