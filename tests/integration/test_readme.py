"""What the README and its chapters tell a reader to type works as it stands there, and what they show is what there is."""

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import msgspec
import yaml

from infra.local.demo import flights as data
from infra.local.demo import outcome, training
from infra.local.demo.course import QUIET
from infra.local.processes import HERE
from infra.local.system import System
from shared.alerts.messages import AlertOpened
from shared.blobs import Blobs, service
from shared.datasets import accepting, recipe
from shared.datasets.checks import (
    drift,
    duplicates,
    known_before,
    missing_actuals,
    overlap,
    shape,
    spans,
    told_by_feature,
)
from shared.datasets.recipe import Recipe, Sampling
from shared.monitor_config import MOST_SEGMENTED, CategoricalMetric, MonitorConfig, NumericalMetric, parse
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.performance_report import Assumption, Beside, PerformanceReport
from shared.retraining.verdicts import Verdict
from shared.sealing.paths import UNJOINED
from shared.signals.calibration.calibrating import FEWEST_BLOCKS
from shared.signals.judgement import Judgement, Measurement, Signal, Triage
from tests.documents import README, blocks, chapter
from tests.flying import flying

ALARMS = "shared/monitoring/README.md"
(CONFIG,) = blocks("yaml", mark="monitor.yaml")
(RECIPE,) = blocks("yaml", mark="recipe")
# What is built has another name each time than the one that is shown.
_NAMED = re.compile(r"^dataset ([0-9a-f]{12}) of flights: built$", re.MULTILINE)


async def test_the_examples_run_one_after_the_other(tmp_path: Path) -> None:
    examples = blocks("bash", mark="run")
    here = tmp_path / "here"
    here.mkdir()
    (here / "manage.py").symlink_to(HERE / "manage.py")
    async with flying(tmp_path, hours=1) as (system, _):
        environment = system.environment | {
            "URL": system.url,
            "KEY": system.key(),
            "DEMO": str(tmp_path / "model"),
            "PATH": f"{Path(sys.executable).parent}:{system.environment['PATH']}",
        }
        await asyncio.to_thread(_leave_history, tmp_path / "model")
        await _watermark(system)
        done: list[subprocess.CompletedProcess[str]] = []
        for example in examples:
            if "dataset build" in example:
                await _joined(system)
            called = _NAMED.search(done[-1].stdout) if done else None
            ours = example if called is None else example.replace("3f9a1c", called[1])
            done.append(await asyncio.to_thread(_run, ours, environment, here))

    assert len(done) == 23
    assert [one.returncode for one in done] == [0] * 23, [one.stdout + one.stderr for one in done]
    (
        registered,
        private,
        named,
        scored,
        told,
        sent,
        became,
        brought,
        seen,
        looked,
        replayed,
        accepted,
        decided,
        built,
        rebuilt,
        asked,
        queued,
        learned,
        compared,
        proved,
        dead,
        erased,
        deeply,
    ) = (one.stdout for one in done)
    assert "flights 1 is registered" in registered
    assert "flights 2 is registered" in private
    assert all(kept in private for kept in ("nothing", "keyed hash", "steps of 250", "first character"))
    assert re.match(
        r"challengers of flights: 2\nchallengers of flights: none\n"
        r"flights 2 is retired since 2013-[\d: -]+ UTC\nflights 2 is in use\n$",
        named,
    )
    assert '"capture":"acked"' in scored
    assert '"accepted":1' in told
    assert re.search(r"^12,\d+ actuals are in Event Hubs$", sent, flags=re.MULTILINE)
    assert "flights: actuals" in became
    assert re.match(r"added 12,\d+ predictions; 0 were there already", brought)
    assert '"aliases":{"champion":"1"}' in seen
    assert '"status":"ok"' in seen
    assert "nothing to evaluate" in looked or "flights 1, 2013-0" in looked
    assert re.search(r"\d+ alarms? in 49 looks from 2013-03-23T00 to 2013-03-26T00", replayed)
    assert accepted == "flights 1 is compared with baseline 2 from now on\n"
    assert "no challenger was measured beside 1 yet" in decided or "nothing to decide" in decided
    assert re.match(r"dataset [0-9a-f]{12} of flights: built\n", built)
    assert re.search(r"^train +3,5\d\d rows *$", built, flags=re.MULTILINE)
    assert "left out: sampled out" in built
    assert re.search(
        r"^dataset [0-9a-f]{12} of flights is the same, built again: [45],\d\d\d rows$", rebuilt, re.MULTILINE
    )
    assert '"state":"queued"' in asked
    assert "queue.csv" in queued or "no prediction of flights" in queued
    assert re.match(r"a challenger of flights 1 would learn from [\d,]+ of 12,\d+ predictions", learned)
    assert all(word in compared for word in ("number", "category", "distance", "carrier"))
    assert "the account closes" in proved
    assert dead.splitlines() == ["no dead letters", "0 records in 0 events would be sent"]
    assert "Event Hubs may hold events with it until" in erased
    assert erased.endswith("every erasure that was begun is done\n")
    assert "the account closes" in deeply


def test_the_configuration_that_is_shown_is_the_default_and_whole() -> None:
    """What is left out stays as it is there: a default that is told wrong is a monitor that nobody asked for."""
    keys = set(re.findall(r"^(\w+):", CONFIG, flags=re.MULTILINE))

    assert parse(CONFIG.encode(), path=ALARMS) == MonitorConfig()
    assert keys == set(MonitorConfig.__struct_fields__)
    assert f"up to {MOST_SEGMENTED} categories" in CONFIG
    assert "From forty windows" in " ".join(chapter(ALARMS, "What is usual").split())
    assert FEWEST_BLOCKS == 40


def test_the_recipe_that_is_shown_leaves_everything_as_it_is_and_is_whole() -> None:
    shown = yaml.safe_load(RECIPE)
    usual = Recipe(model="flights")

    assert recipe.parse(RECIPE.encode(), path="recipe.yaml") == usual
    assert shown.keys() == {*Recipe.__struct_fields__}
    for key in ("actuals", "exclude", "weights", "split", "tolerances"):
        assert shown[key].keys() == {*getattr(usual, key).__struct_fields__}, key


def test_every_check_and_every_rule_of_sampling_is_named() -> None:
    checked = chapter("shared/datasets/README.md", "What it is checked for")

    assert {*re.findall(r"^\| `(\w+)` \|", checked, flags=re.MULTILINE)} == {
        *(
            one.NAME
            for one in (drift, duplicates, known_before, missing_actuals, overlap, shape, spans, told_by_feature)
        ),
        shape.EMPTY,
    }
    assert tuple(re.findall(r"`(\w+)`", checked.split("`--accept CHECK`")[1].split(";")[0])) == accepting.ACCEPTABLE
    assert {*re.findall(r"`(\w+)`", chapter("shared/datasets/README.md", "A recipe"))} >= {*Sampling}


def test_every_signal_is_named() -> None:
    rows = re.findall(r"^\| (`.*?) \|", chapter(ALARMS, "Alerts"), flags=re.MULTILINE)

    assert re.findall(r"`(\w+)`", " ".join(rows)) == [*Signal]


def test_every_verdict_is_named() -> None:
    rows = re.findall(r"^\| `([a-z ]+)` \|", README.read_text().split("| verdict |")[1].split("\n\n")[0], re.MULTILINE)

    assert rows == [*Verdict]


def test_every_metric_that_takes_a_threshold_is_named() -> None:
    ((numbers, categories),) = re.findall(
        r"Numbers take(.*?)categories take(.*?)\.\n", chapter(ALARMS, "Sure and large"), flags=re.DOTALL
    )

    assert re.findall(r"`(\w+)`", numbers) == [*get_args(NumericalMetric)]
    assert re.findall(r"`(\w+)`", categories) == [*get_args(CategoricalMetric)]


def test_the_evaluation_that_is_shown_has_every_key_and_no_other() -> None:
    shown = msgspec.json.decode(_shown("evaluation"))
    (judgement,) = shown["judgements"]
    (measurement,) = judgement["measurements"]

    msgspec.convert(shown, Evaluation)
    for part, kind in (
        (shown, Evaluation),
        (judgement, Judgement),
        (measurement, Measurement),
        (judgement["triage"], Triage),
        (shown["performance"], PerformanceReport),
        (shown["performance"]["assumption"], Assumption),
        (shown["performance"]["side_by_side"][0], Beside),
    ):
        assert {*part} == {*kind.__struct_fields__}, kind


def test_the_alert_that_is_shown_is_one() -> None:
    """And could be: it names an evaluation of the window with which it opened."""
    message = msgspec.json.decode(_shown("alert"), type=AlertOpened)

    alert = message.data
    assert {*msgspec.json.decode(_shown("alert"))["data"]} == {*alert.__struct_fields__}
    assert alert.id == f"{alert.model}.{alert.version}.{alert.signal}.{alert.opened_at:%Y-%m-%dT%H}"
    assert f"/{alert.opened_at:%Y-%m-%dT%H}-" in alert.evaluation
    assert message.timestamp > alert.opened_at


def _shown(what: str) -> str:
    (shown,) = blocks("json", mark=what)
    return shown


def _leave_history(folder: Path) -> None:
    """Write what the demo leaves beside its model."""
    table = data.between(data.load(), *QUIET)
    training.write_history(folder, folder / "model.onnx", table)
    training.write_actuals(folder, table)


async def _watermark(system: System) -> None:
    """Wait until hours are sealed: what is imported lies before them."""
    blobs = Blobs(service(system.settings["STORAGE"]))
    deadline = time.monotonic() + 60
    try:
        while await outcome.sealed_before(blobs) is None:
            assert time.monotonic() < deadline, system.log("host")[-3000:]
            await asyncio.sleep(0.5)
    finally:
        await blobs.close()


async def _joined(system: System) -> None:
    """Wait until everything that is sealed is joined: nothing is built before."""
    blobs = Blobs(service(system.settings["STORAGE"]))
    deadline = time.monotonic() + 120
    try:
        while [one async for one in blobs.under(UNJOINED) if not one.size_bytes]:
            assert time.monotonic() < deadline, system.log("host")[-3000:]
            await asyncio.sleep(0.5)
    finally:
        await blobs.close()


def _run(example: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euc", example], env=environment, cwd=folder, check=False, capture_output=True, text=True
    )
