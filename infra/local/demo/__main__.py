"""Tell the whole story once: ``python -m infra.local.demo``, or ``make demo``.

It ends with a table, and with exit code 1 if any step did not happen.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.local.demo import flights as data
from infra.local.demo import outcome, training
from infra.local.demo.traffic import Ledger, Traffic, traffic
from infra.local.processes import end_by_interrupt
from infra.local.system import System
from shared import documents
from shared.blobs import Blobs, service
from shared.capture.records import Kind
from shared.clock import Clock
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation

MODEL: Final = "flights"
LEARNED: Final = (Hour.parse("2013-01-01T00"), Hour.parse("2013-03-18T00"))
QUIET: Final = (Hour.parse("2013-03-18T00"), Hour.parse("2013-04-01T00"))
"""The two weeks that follow: the model did not learn from them, and nothing has changed yet."""

BEGIN: Final = Hour.parse("2013-07-01T00")
SPEED: Final = 2_400.0
_HEAT: Final = "temp"
PATIENCE_S: Final = 90.0

SCHEDULES: Final = {
    # At this speed an hour is a second and a half: each timer runs about once in it.
    "DRAIN_SCHEDULE": "0 10 * * * *",
    "SEAL_SCHEDULE": "0 20 * * * *",
    "ACCOUNT_SCHEDULE": "0 30 * * * *",
    "JOIN_SCHEDULE": "0 35 * * * *",
    "MONITOR_SCHEDULE": "0 40 * * * *",
    "DECIDE_SCHEDULE": "0 45 * * * *",
    "DELIVER_SCHEDULE": "0 50 * * * *",
}


@dataclass(frozen=True, slots=True)
class Story:
    """What happened.

    Attributes:
        ledger: what the sender wrote down.
        found: what is at rest.
        alerts: what arrived at the webhook.
        newest: the newest evaluation, as the app answers it.
        alarming: the evaluation that the drift alert names; None without one.
        replayed: what the monitor would have said of two quiet weeks.
        sealed: whether every hour that was sent is sealed.
    """

    ledger: Ledger
    found: outcome.Stored
    alerts: list[dict[str, Any]]
    newest: dict[str, Any]
    alarming: Evaluation | None
    replayed: dict[str, Any]
    sealed: bool


def main() -> int:
    """Run the story; return 1 if any of it did not happen, 130 if it was interrupted."""
    end_by_interrupt()
    try:
        return _run()
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; everything that was started has been stopped")
        return 130


def _run() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(".local/demo"), help="where everything is kept; emptied first"
    )
    parser.add_argument("--hours", type=int, default=36, help="hours of flights to send")
    asked = parser.parse_args()
    console = Console(stderr=True)
    if System.in_use(asked.data):
        console.print(f"{asked.data} is in use, by another demo or by python -m infra.local: stop that first")
        return 1
    shutil.rmtree(asked.data, ignore_errors=True)
    started = time.monotonic()
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:52}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        table, model, training_data = _train(progress, asked.data / "model")
        clock = Clock.starting(BEGIN.start, speed=SPEED)
        step = progress.add_task("starting storage, Event Hubs, sinks and the app", total=1)
        with System.in_folder(asked.data, clock=clock, settings=SCHEDULES) as system:
            progress.advance(step)
            _register(progress, system, model, training_data)
            first = Hour.containing(system.clock.now()).plus(1)
            sent = data.by_hour(data.flights(data.between(table, first, first.plus(asked.hours))))
            story = asyncio.run(_send_and_watch(progress, system, sent, first.plus(asked.hours)))
            history = training.write_history(asked.data / "model", model, data.between(table, *QUIET))
            training.write_actuals(asked.data / "model", data.between(table, *QUIET))
            story = replace(story, replayed=_replay(progress, system, history))
    problems = _problems(story)
    _tell(Console(), story, asked.data, took_s=time.monotonic() - started)
    for problem in problems:
        console.print(f"[red]did not happen:[/red] {problem}")
    return 1 if problems else 0


def _train(progress: Progress, folder: Path) -> tuple[Any, Path, Path]:
    step = progress.add_task("training on January to mid-March 2013", total=1)
    table = data.load()
    model, training_data = training.write(folder, data.between(table, *LEARNED))
    progress.advance(step)
    return table, model, training_data


def _register(progress: Progress, system: System, model: Path, training_data: Path) -> None:
    step = progress.add_task("registering and promoting flights 1", total=2)
    files = ("--model", str(model), "--training-data", str(training_data))
    register = ("register", MODEL, "1", *files, "--actual", data.ACTUAL, "--time", data.TIME)
    for arguments in (register, ("promote", MODEL, "1", "--as", "champion")):
        command = [sys.executable, "manage.py", *arguments, "--json"]
        subprocess.run(command, env=system.environment, check=True, stdout=subprocess.DEVNULL)
        progress.advance(step)


def _replay(progress: Progress, system: System, history: Path) -> dict[str, Any]:
    """Bring in two quiet weeks, and return what the monitor would have said about them."""
    step = progress.add_task("replaying two quiet weeks of March", total=2)
    version = ("--model", MODEL, "--version", "1")
    times = ("--time", data.TIME, "--external-id", "key")
    first, end = QUIET
    daily = history.with_name("daily.yaml")
    daily.write_text("schedule: {frequency: day}\n")
    found: dict[str, Any] = {}
    for arguments in (
        ("import", str(history), *version, *times, "--skip-bad"),
        ("backtest", *version, "--config", str(daily), "--from", first.key, "--to", end.key),
    ):
        command = [sys.executable, "manage.py", *arguments, "--json"]
        done = subprocess.run(command, env=system.environment, check=True, stdout=subprocess.PIPE)
        found = json.loads(done.stdout)
        progress.advance(step)
    return found


async def _send_and_watch(progress: Progress, system: System, sent: dict[Hour, list[data.Flight]], end: Hour) -> Story:
    blobs = Blobs(service(system.settings["STORAGE"]))
    try:
        async with traffic(system.url, system.key(), MODEL, system.clock) as sender:
            await _send(progress, sender, sent)
            sealed = await _watch(progress, system, blobs, end)
            found = await outcome.stored(blobs)
            async with sender.session.get(f"{system.url}/api/models/{MODEL}/evaluation") as response:
                newest = await response.json()
        alerts = await outcome.delivered(system.sinks_url)
        drift = outcome.drift_alert(alerts)
        alarming = (await documents.read(blobs, drift["evaluation"], Evaluation))[0] if drift else None
        return Story(sender.ledger, found, alerts, newest, alarming, {}, sealed)
    finally:
        await blobs.close()


async def _send(progress: Progress, sender: Traffic, sent: dict[Hour, list[data.Flight]]) -> None:
    rows = progress.add_task("scoring flights as they depart", total=sum(map(len, sent.values())))
    landed = progress.add_task("telling which were late, hours later", total=sum(map(len, sent.values())))
    under_way: list[data.Flight] = []
    for hour, flights in sent.items():
        await sender.send_hour(hour, flights)
        under_way = await sender.send_actuals([*under_way, *flights], sender.clock.now())
        progress.update(rows, completed=sender.ledger.rows, description=f"scoring flights as they depart: {hour.key}")
        progress.update(landed, completed=sender.ledger.actuals)
    while under_way:
        await asyncio.sleep(sender.clock.real_seconds_until(min(flight.known_at for flight in under_way)))
        under_way = await sender.send_actuals(under_way, sender.clock.now())
        progress.update(landed, completed=sender.ledger.actuals)


async def _watch(progress: Progress, system: System, blobs: Blobs, end: Hour) -> bool:
    """Wait until everything sent is sealed and the alert has arrived, but not too long; return whether it is sealed."""
    sealing = progress.add_task("sealing the last hours", total=1)
    alerting = progress.add_task("waiting for the alert at the webhook", total=1)
    deadline = time.monotonic() + PATIENCE_S
    last = max(end, Hour.containing(system.clock.now()))
    sealed = arrived = False
    while not (sealed and arrived) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        before = await outcome.sealed_before(blobs)
        sealed = before is not None and before > last
        arrived = outcome.drift_alert(await outcome.delivered(system.sinks_url)) is not None
        progress.update(sealing, completed=int(sealed))
        progress.update(alerting, completed=int(arrived))
    return sealed


def _problems(story: Story) -> list[str]:
    lost, doubled = outcome.lost_and_doubled(story.ledger, story.found)
    checks = {
        "no row was scored": story.ledger.rows > 0,
        f"rows were kept in other ways than acknowledged: {story.ledger.kept}": set(story.ledger.kept) == {"acked"},
        f"{lost} acknowledged rows are not in storage": lost == 0,
        f"{doubled} rows are in storage twice": doubled == 0,
        "not every hour was sealed in time": story.sealed,
        f"{story.found.actuals} of {story.ledger.actuals} actuals are in storage": (
            story.found.actuals == story.ledger.actuals > 0
        ),
        "no drift alert arrived with a signature that fits": story.alarming is not None,
        "the drift alert is not calibrated": story.alarming is not None and not story.alarming.is_calibrating,
        "the drift alert does not name the heat of summer": story.alarming is not None
        and _HEAT in outcome.moved(story.alarming),
        "the newest evaluation judged no row": story.newest.get("rows", 0) > 0,
        "two quiet weeks were not quiet": story.replayed.get("looks", 0) > 0 and not story.replayed["alarms"],
    }
    return [problem for problem, happened in checks.items() if not happened]


def _tell(console: Console, story: Story, folder: Path, *, took_s: float) -> None:
    lost, doubled = outcome.lost_and_doubled(story.ledger, story.found)
    times = outcome.latency(story.ledger)
    table = Table(show_header=False, title=f"Driftline: the story took {took_s:.0f} s")
    table.add_row("rows scored", f"{story.ledger.rows:,} in {story.ledger.requests:,} requests")
    table.add_row("rows acknowledged as kept", f"{len(story.ledger.acknowledged):,}")
    table.add_row("found again in storage", f"{len(story.found.predictions):,} ({lost} lost, {doubled} twice)")
    table.add_row("actuals, sent and stored", f"{story.ledger.actuals:,}, {story.found.actuals:,}")
    hours = story.found.hours
    table.add_row("hours sealed", f"{hours[Kind.PREDICTION]} of predictions, {hours[Kind.ACTUAL]} of actuals")
    table.add_row("scoring latency p50, p95, p99", f"{times.p50:.1f}, {times.p95:.1f}, {times.p99:.1f} ms")
    for message in story.alerts:
        alert = message["data"]
        table.add_row(f"{message['type']} ({alert['signal']})", "\n".join(alert["reasons"][:3]))
    replayed = story.replayed
    table.add_row(
        "the two weeks after the training",
        f"{len(replayed['alarms'])} alarms in {replayed['looks']} looks, {replayed['calibrating']} of them calibrating",
    )
    table.add_row(
        "sealed hours", f"{folder}/azurite, container captures, hours/kind=prediction/model={MODEL}/version=1/"
    )
    table.add_row("alerts as they arrived", f"{folder}/sinks/webhooks.jsonl")
    table.add_row("telemetry as it was sent", f"{folder}/sinks/telemetry.jsonl")
    table.add_row("to look around in it", f"python -m infra.local --data {folder}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
