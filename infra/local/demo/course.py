"""How the story goes: two weeks of March are brought in, and a challenger learns from them; then July is sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from rich.progress import Progress

from infra.local.demo import commands, outcome, training
from infra.local.demo import flights as data
from infra.local.demo.commands import CHALLENGER, CHAMPION, MODEL
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
from shared.retraining.history import born
from shared.retraining.periods import Period
from shared.sealing.hours.manifests import Manifests

QUIET: Final = (Hour.parse("2013-03-18T00"), Hour.parse("2013-04-01T00"))
"""The two weeks after those that the model learned from: nothing has changed yet, and the challenger learns from them."""

PATIENCE_S: Final = 90.0
_LOOK_S: Final = 0.5
_DAY: Final = 24


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

    async def run(self, model: Path, training_data: Path, *, days: int) -> Story:
        """Register the model, send days of flights, and return what happened."""
        await self._register(model, training_data)
        blobs = Blobs(service(self.system.settings["STORAGE"]))
        try:
            brought = await self._bring_in(blobs, model)
            return await self._send_days(blobs, brought, days)
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

    async def _bring_in(self, blobs: Blobs, model: Path) -> int:
        """Bring in two weeks of March with what turned out, and return how many actuals these are.

        That is done before July: whoever imports hours of a version and whoever seals others of it wait for each other.
        """
        step = self.progress.add_task("bringing in two weeks of March", total=1)
        quiet = data.between(self.table, *QUIET)
        history = training.write_history(self.folder, model, quiet)
        training.write_actuals(self.folder, quiet)
        await _until(lambda: outcome.is_sealed(blobs, QUIET[1]))
        actuals = await commands.bring_in(self.system, history)
        self.progress.advance(step)
        return actuals

    async def _send_days(self, blobs: Blobs, brought: int, days: int) -> Story:
        clock = self.system.clock
        # Whole days from a midnight on, as decisions are of them: so their numbers depend on no machine's speed.
        first = Period.from_first(clock.now(), hours=_DAY).first
        coming = [first.plus(_DAY * day) for day in range(days)]
        end = first.plus(_DAY * days)
        flights = data.by_hour(data.flights(data.between(self.table, first, end)))
        version = await Registry(blobs, clock).manifest(MODEL, CHAMPION)
        joins = Joins(blobs, Manifests(blobs))
        async with traffic(self.system.url, self.system.key(), MODEL, clock) as sender:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(sender, flights))
                learning = tasks.create_task(self._learn(joins, version, brought))
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
        challenger = await Registry(blobs, clock).manifest(MODEL, CHALLENGER)
        return Story(
            days=coming,
            ledger=sender.ledger,
            found=await outcome.stored(blobs, since=first),
            alerts=alerts,
            newest=newest,
            estimated=outcome.best_estimated(evaluations),
            alarming=(await documents.read(blobs, drift["evaluation"], Evaluation))[0] if drift else None,
            drifted={feature for one in evaluations for feature in outcome.moved(one)},
            taught=learning.result(),
            lineage=challenger.lineage,
            born=born(challenger, hours=_DAY).first,
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

    async def _learn(self, joins: Joins, version: Manifest, actuals: int) -> dict[str, Any]:
        """Have a challenger learn from the two weeks of March, once their actuals are joined."""
        step = self.progress.add_task("training a challenger on these two weeks", total=1)

        async def are_joined() -> bool:
            return await outcome.joined(joins, version, *QUIET) == actuals

        await _until(are_joined)
        taught = await commands.retrain(self.system, *QUIET)
        self.progress.advance(step)
        return taught

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

        await _until(has_come)
        return sealed

    async def _replay(self) -> dict[str, Any]:
        step = self.progress.add_task("replaying the two weeks of March", total=1)
        replayed = await commands.replay(self.system, self.folder, *QUIET)
        self.progress.advance(step)
        return replayed


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so, but not too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not await is_so() and time.monotonic() < deadline:  # noqa: ASYNC110 - storage tells nobody
        await asyncio.sleep(_LOOK_S)
