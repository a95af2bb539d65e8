"""How the story goes: in June two weeks of March are brought in, and a challenger learns from them; then July is sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd
from rich.progress import Progress

from infra.local.demo import commands, outcome, training
from infra.local.demo import flights as data
from infra.local.demo.commands import CHALLENGER, CHAMPION, DELAY_HOURS, MODEL
from infra.local.demo.story import Story
from infra.local.demo.traffic import Ledger, Traffic, traffic
from infra.local.system import System
from shared import documents
from shared.actuals.reading import Joins
from shared.blobs import Blobs, service
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.retraining.periods import Period
from shared.sealing.hours.manifests import Manifests

QUIET: Final = (Hour.parse("2013-03-18T00"), Hour.parse("2013-04-01T00"))
"""The two weeks after those that the model learned from: nothing has changed yet, and the challenger learns from them."""

PATIENCE_S: Final = 300.0
"""So long what should come is waited for: many times as long as it takes, since other programs may want the machine."""

_LOOK_S: Final = 0.5
_DAY: Final = 24


class Overdue(RuntimeError):
    """What the story cannot go on without did not come; the message says what, and what to do."""


@dataclass(frozen=True, slots=True)
class June:
    """What happened before the first flight was sent.

    Attributes:
        joined_after_s: how long it took, in real seconds, until two weeks were brought in and joined.
        taught: what was said of the challenger's training.
    """

    joined_after_s: float
    taught: dict[str, Any]


@dataclass(slots=True)
class Course:
    """A story under way, on a system that has started.

    Attributes:
        progress: what a person sees of it.
        system: where it happens.
        folder: where files for the command line are.
        table: all flights.
    """

    progress: Progress
    system: System
    folder: Path
    table: pd.DataFrame

    async def june(self, model: Path, training_data: Path) -> June:
        """Register the model, bring in what it would have answered in March, and have a challenger learn from that.

        All of it is done before July begins: so the challenger is asked about every day, whatever this takes.

        Raises:
            Overdue: it is not joined in time.
        """
        await self._register(model, training_data)
        blobs = Blobs(service(self.system.settings["STORAGE"]))
        try:
            joined_after_s = await self._bring_in(blobs, model)
        finally:
            await blobs.close()
        return June(joined_after_s, await self._learn())

    async def july(self, june: June, *, days: int) -> Story:
        """Send days of flights, wait until it is decided about each, and return what happened."""
        blobs = Blobs(service(self.system.settings["STORAGE"]))
        try:
            return await self._send_days(blobs, june, days)
        finally:
            await blobs.close()

    async def _register(self, model: Path, training_data: Path) -> None:
        step = self.progress.add_task("registering and promoting flights 1", total=3)
        await commands.register(self.system, model, training_data)
        self.progress.advance(step)
        # Before it answers, so that no period begins without a price.
        await commands.configure(self.system, self.folder)
        self.progress.advance(step)
        await commands.promote(self.system)
        self.progress.advance(step)

    async def _bring_in(self, blobs: Blobs, model: Path) -> float:
        """Bring in two weeks of March with what turned out, and return how long it took until all of it was joined."""
        importing = self.progress.add_task("bringing in two weeks of March", total=1)
        quiet = data.between(self.table, *QUIET)
        history = training.write_history(self.folder, model, quiet)
        training.write_actuals(self.folder, quiet)
        # Before what is imported, everything has to be sealed.
        await commands.run_now(self.system, "seal")
        await self._need("the hours before June's end to be sealed", lambda: outcome.is_sealed(blobs, QUIET[1]))
        started = time.monotonic()
        actuals = await commands.bring_in(self.system, history)
        self.progress.advance(importing)
        joining = self.progress.add_task("joining what turned out of them", total=actuals)
        version = await Registry(blobs, self.system.clock).manifest(MODEL, CHAMPION)
        joins = Joins(blobs, Manifests(blobs))
        await commands.run_now(self.system, "join")

        async def are_joined() -> bool:
            self.progress.update(joining, completed=await outcome.joined(joins, version, *QUIET))
            # Not that every row is there: whoever learns from them asks whether the join is done.
            return await joins.is_joined(MODEL, QUIET[0], QUIET[1].plus(_DAY))

        await self._need("what turned out of March to be joined", are_joined)
        return time.monotonic() - started

    async def _learn(self) -> dict[str, Any]:
        step = self.progress.add_task("training a challenger on these two weeks", total=1)
        taught = await commands.retrain(self.system, *QUIET)
        self.progress.advance(step)
        return taught

    async def _send_days(self, blobs: Blobs, june: June, days: int) -> Story:
        clock = self.system.clock
        # Whole days from a midnight on, as decisions are of them: so their numbers depend on no machine's speed.
        first = Period.from_first(clock.now(), hours=_DAY).first
        coming = [first.plus(_DAY * day) for day in range(days)]
        flights = data.by_hour(data.flights(data.between(self.table, first, coming[-1].plus(_DAY))))
        version = await Registry(blobs, clock).manifest(MODEL, CHAMPION)
        joins = Joins(blobs, Manifests(blobs))
        async with traffic(self.system.url, self.system.key(), MODEL, clock) as sender:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(sender, flights))
                replaying = tasks.create_task(self._replay())
            # Soon, since windows go on, and no more flights come.
            async with sender.session.get(f"{self.system.url}/api/models/{MODEL}/evaluation") as response:
                newest = await response.json()
            sealed = await self._watch(blobs, joins, version, coming, sender.ledger)
        # Where the machine is slow, actuals were joined after the decision about their day: now all of them count.
        await commands.decide(self.system)
        alerts = await outcome.delivered(self.system.sinks_url)
        drift = outcome.drift_alert(alerts)
        evaluations = await outcome.evaluations(blobs, version)
        return Story(
            days=coming,
            ledger=sender.ledger,
            found=await outcome.stored(blobs, since=first),
            alerts=alerts,
            newest=newest,
            estimated=outcome.best_estimated(evaluations),
            alarming=(await documents.read(blobs, drift["evaluation"], Evaluation))[0] if drift else None,
            drifted={feature for one in evaluations for feature in outcome.moved(one)},
            taught=june.taught,
            lineage=(await Registry(blobs, clock).manifest(MODEL, CHALLENGER)).lineage,
            decided=await outcome.decided(blobs, MODEL),
            joined=await outcome.joined(joins, version, first, Hour.containing(clock.now())),
            status=await commands.actuals_status(self.system),
            replayed=replaying.result(),
            sealed=sealed,
        )

    async def _send(self, sender: Traffic, flights: Mapping[Hour, Sequence[data.Flight]]) -> None:
        total = sum(map(len, flights.values()))
        rows = self.progress.add_task("scoring flights as they depart", total=total)
        landed = self.progress.add_task("telling which were late, hours later", total=total)
        under_way: list[data.Flight] = []
        for hour, departing in flights.items():
            await sender.send_hour(hour, departing)
            under_way = await sender.send_actuals([*under_way, *departing], sender.clock.now())
            scored = f"scoring flights as they depart: {hour.key}"
            self.progress.update(rows, completed=sender.ledger.rows, description=scored)
            self.progress.update(landed, completed=sender.ledger.actuals)
        while under_way:
            await asyncio.sleep(sender.clock.real_seconds_until(min(flight.known_at for flight in under_way)))
            under_way = await sender.send_actuals(under_way, sender.clock.now())
            self.progress.update(landed, completed=sender.ledger.actuals)

    async def _watch(self, blobs: Blobs, joins: Joins, version: Manifest, days: Sequence[Hour], ledger: Ledger) -> bool:
        """Wait until all that is to come has come, but not too long; return whether what was sent is sealed."""
        sealing = self.progress.add_task("sealing the last hours", total=1)
        joining = self.progress.add_task("joining what turned out", total=ledger.actuals)
        alerting = self.progress.add_task("waiting for the alert at the webhook", total=1)
        deciding = self.progress.add_task("deciding what to do, once a day", total=len(days))
        last = Hour.containing(self.system.clock.now())
        sealed = False

        async def has_come() -> bool:
            nonlocal sealed
            sealed = await outcome.is_sealed(blobs, last.plus(1))
            joined = await outcome.joined(joins, version, days[0], last.plus(1))
            arrived = outcome.drift_alert(await outcome.delivered(self.system.sinks_url)) is not None
            decided = len({day.key for day in days} & (await outcome.decided(blobs, MODEL)).keys())
            self.progress.update(sealing, completed=int(sealed))
            self.progress.update(joining, completed=joined)
            self.progress.update(alerting, completed=int(arrived))
            self.progress.update(deciding, completed=decided)
            return sealed and arrived and joined == ledger.actuals and decided == len(days)

        # July's clock goes on until the last day is settled, however slowly it runs.
        settled = days[-1].plus(_DAY).start + timedelta(hours=DELAY_HOURS)
        await _until(has_come, patience_s=self.system.clock.real_seconds_until(settled) + PATIENCE_S)
        return sealed

    async def _replay(self) -> dict[str, Any]:
        step = self.progress.add_task("replaying the two weeks of March", total=1)
        replayed = await commands.replay(self.system, self.folder, *QUIET)
        self.progress.advance(step)
        return replayed

    async def _need(self, what: str, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so that the story cannot go on without."""
        if not await _until(is_so, patience_s=PATIENCE_S):
            log = self.system.folder / "host.log"
            raise Overdue(
                f"waited {PATIENCE_S:.0f} s for {what}: {log} says what went wrong; if nothing did, the machine has too much "
                "else to do, and make demo will do when it has less"
            )


async def _until(is_so: Callable[[], Awaitable[bool]], *, patience_s: float) -> bool:
    """Wait until something is so, but not too long; return whether it is."""
    deadline = time.monotonic() + patience_s
    while not (holds := await is_so()) and time.monotonic() < deadline:  # noqa: ASYNC110 - storage tells nobody
        await asyncio.sleep(_LOOK_S)
    return holds
