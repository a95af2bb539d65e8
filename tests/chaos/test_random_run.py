"""Everything at once, by chance: hosts are killed and frozen, the hub restarts, storage fails, lines are cut."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from shared.clock import Clock
from tests.chaos import campaign, corruption
from tests.chaos.fleet import fleet
from tests.chaos.nemesis import Act
from tests.flying import SCHEDULES

BEGIN: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
PLAN: Final = campaign.Plan(
    records=50_000,
    records_a_second=650.0,
    most_rows=50,
    acts={Act.KILL: 10, Act.FREEZE: 5, Act.RESTART_HUB: 2, Act.CUT_LINE: 2, Act.STALL_LINE: 1, Act.FORGET_LINE: 1},
    fault_share=0.05,
    seed=20_260_301,
)


async def test_nothing_acknowledged_is_lost_or_doubled_and_the_account_says_so(tmp_path: Path) -> None:
    """The first promise, while everything that can fail does; and what is done to blobs afterwards is told."""
    async with fleet(tmp_path, hosts=3, clock=Clock.starting(BEGIN, speed=600.0), settings=SCHEDULES) as system:
        nemesis, ledger = await campaign.run(system, PLAN)
        findings = await campaign.truth(system, ledger)
        await system.stop_hosts()
        code, account = await corruption.verify(system.system)
        missed = await corruption.unnoticed(system.system)
        code_after, _ = await corruption.verify(system.system)

    assert nemesis.counts() == {act.name: count for act, count in PLAN.acts.items()}
    assert ledger.acknowledged >= PLAN.records
    assert findings.nothing_is_wrong, f"{findings}\nwhat was done is in {nemesis.log}, logs are beside it"
    assert (code, account["closes"], account["wrong"]) == (0, True, [])
    assert missed == []
    assert code_after == 0
