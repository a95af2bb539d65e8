"""The random run at length: a million records, and as much harm as there is time for.

``python -m tests.chaos.soak``, or ``make soak``. Interrupted, it goes on where it was when it is started again; what it
has is in its folder. The last line of standard output is one JSON object.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.reporting import Machine, Report, Result, Target
from infra.local.processes import end_by_interrupt
from infra.local.system import System
from shared.clock import Clock
from tests.chaos import campaign
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.ledger import Ledger
from tests.chaos.nemesis import Act, Nemesis

MILLION: Final = 1_000_000
ACTS: Final = {
    Act.KILL: 200,
    Act.FREEZE: 100,
    Act.RESTART_HUB: 20,
    Act.CUT_LINE: 20,
    Act.MUTE_LINE: 10,
    Act.STALL_LINE: 10,
    Act.FORGET_LINE: 10,
}
_HOSTS: Final = 3


class State(msgspec.Struct, kw_only=True):
    """How far a run is; the ledger and the system's own data are beside it. ``faults`` and ``seconds`` are of all tries."""

    records: int
    seed: int
    acts_done: int = 0
    seconds: float = 0.0
    storage_requests: int = 0
    faults: dict[str, int] = {}
    broken: dict[str, int] = {}
    is_over: bool = False

    @classmethod
    def kept_in(cls, path: Path, *, records: int, seed: int) -> "State":
        """Return the state of a run that was interrupted, or of a new one."""
        return msgspec.json.decode(path.read_bytes(), type=cls) if path.exists() else cls(records=records, seed=seed)

    def plan(self) -> campaign.Plan:
        """Return what is done: for a million records all acts, for fewer as large a share of them."""
        return campaign.Plan(
            records=self.records,
            records_a_second=650.0,
            most_rows=100,
            acts={act: max(1, round(count * self.records / MILLION)) for act, count in ACTS.items()},
            fault_share=0.05,
            seed=self.seed,
        )


def main() -> int:
    """Run, or go on; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".local/soak"), help="where everything is kept")
    parser.add_argument("--records", type=int, default=MILLION, help="of a new run; the harm is in proportion")
    parser.add_argument("--seed", type=int, default=1, help="of a new run")
    asked = parser.parse_args()
    end_by_interrupt()
    console = Console(stderr=True)
    if System.in_use(asked.folder):
        console.print(f"{asked.folder} is in use: stop that first")
        return 1
    path = asked.folder / "soak.json"
    state = State.kept_in(path, records=asked.records, seed=asked.seed)
    if state.is_over:
        shutil.rmtree(asked.folder)
        state = State.kept_in(path, records=asked.records, seed=asked.seed)
    machine = Machine.this()
    try:
        ledger, verdict = asyncio.run(_run(asked.folder, state, console))
    except KeyboardInterrupt:
        console.print("interrupted; everything that was started has been stopped. Start it again to go on")
        return 130
    state.is_over = True
    path.write_bytes(msgspec.json.encode(state))
    report = _report(machine, state, ledger, verdict)
    report.show()
    if not verdict.holds:
        console.print(f"[red]a promise was broken[/]: {verdict.findings}\n{verdict.account['wrong']}\n{asked.folder}")
    sys.stdout.write(report.line() + "\n")
    return 0 if verdict.holds else 1


async def _run(folder: Path, state: State, console: Console) -> tuple[Ledger, campaign.Verdict]:
    plan = state.plan()
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    clock = Clock.starting(campaign.BEGIN, speed=campaign.SPEED)
    async with fleet(folder, hosts=_HOSTS, clock=clock, seed=state.seed) as system:
        with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
            records = progress.add_task("acknowledged records", total=plan.records)
            acts = progress.add_task("acts of the nemesis", total=sum(plan.acts.values()))
            keeper = _Keeper(folder / "soak.json", state, system)

            def seen(nemesis: Nemesis, ledger: Ledger) -> None:
                keeper.keep(nemesis, ledger)
                progress.update(records, completed=min(ledger.acknowledged, plan.records))
                progress.update(acts, completed=nemesis.done)

            nemesis, ledger = await campaign.run(system, plan, done=state.acts_done, seen=seen)
            seen(nemesis, ledger)
            judging = progress.add_task("sealing, and the account", total=1)
            verdict = await campaign.judge(system, ledger)
            progress.advance(judging)
    return ledger, verdict


class _Keeper:
    """Writes down how far a run is, on top of what the tries before this one had come to."""

    def __init__(self, path: Path, state: State, system: Fleet) -> None:
        self._path = path
        self._state = state
        self._system = system
        self._before = msgspec.structs.replace(state)
        self._began = time.monotonic()

    def keep(self, nemesis: Nemesis, ledger: Ledger) -> None:
        """Write it down: done acts are not done again."""
        state, before, storage = self._state, self._before, self._system.storage
        state.acts_done = nemesis.done
        state.seconds = round(before.seconds + time.monotonic() - self._began, 1)
        state.storage_requests = before.storage_requests + storage.requests
        state.faults = dict(Counter(before.faults) + storage.met)
        state.broken = dict(Counter(before.broken) + ledger.broken)
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(self._path)


def _report(machine: Machine, state: State, ledger: Ledger, verdict: campaign.Verdict) -> Report:
    findings, totals = verdict.findings, verdict.account["totals"]
    sent: Result = {
        "measure": "sent",
        "requests": ledger.requests,
        **{f"records_{capture}": count for capture, count in sorted(ledger.kept.items())},
        "sent_again": sum(state.broken.values()),
        "minutes": round(state.seconds / 60, 1),
    }
    done: Result = {"measure": "done", **{act.name.lower(): count for act, count in state.plan().acts.items()}}
    storage: Result = {
        "measure": "storage",
        "requests": state.storage_requests,
        **{name.lower(): count for name, count in sorted(state.faults.items())},
    }
    found: Result = {
        "measure": "found",
        "hours": findings.hours,
        **{name: totals[name] for name in ("events", "rows", "doubles", "dead_letters")},
    }
    wrong = [
        ("lost", len(findings.lost), "records"),
        ("doubled", len(findings.doubled), "records"),
        ("altered", len(findings.altered), "records"),
        ("out of order", len(findings.out_of_order), "hours, logs and files"),
        ("wrong in the account", len(verdict.account["wrong"]), "things"),
        ("changed and not told", len(verdict.unnoticed), "blobs"),
    ]
    targets = [Target.at_most(0, count, name=name, unit=unit) for name, count, unit in wrong]
    return Report(benchmark="soak", machine=machine, results=[sent, done, storage, found], targets=targets)


if __name__ == "__main__":
    sys.exit(main())
