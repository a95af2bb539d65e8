"""From what was captured to a challenger, as a user has it made: whole, or not at all and with the reason."""

import asyncio
import base64
import hashlib
import io
import json
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import helper

from infra.local.processes import HERE
from shared import documents
from shared.actuals.joining import Joining
from shared.actuals.reading import Joins
from shared.actuals.stepping import Stepping
from shared.alerts.outbox import Outbox
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.datasets.listing import Datasets
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import manifest_path as dataset_manifest_path
from shared.datasets.recipe import Recipe, Sample, Weights
from shared.datasets.requests import Requests
from shared.monitor_config import monitor_config_path
from shared.registry.manifest import Aliases, Lineage, Manifest, aliases_path, manifest_path
from shared.registry.store import Registry
from shared.retraining.actuals import JoinedActuals
from shared.retraining.decision import Decisions, NewestDecision
from shared.retraining.held_out_store import HeldOutComparison
from shared.retraining.preparing import Preparing
from shared.retraining.training import Training
from shared.retraining.verdicts import Verdict
from shared.schema import Schema
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.telemetry import Telemetry
from tests.integration.command_line import environment_of, run
from tests.integration.models import onnx_model
from tests.integration.retraining.living import living
from tests.integration.sinks.running import RunningSinks, running_sinks
from tests.storage import running_azurite
from tests.unit.retraining.training_sets import dataset_of
from tests.unit.scoring.models import FLOAT, STRING, echo, words
from tests.unit.scoring.models import onnx_model as own_model

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SCORED, KNOWN, LEARNED = 300, 240, 192
NAMING = own_model(
    [helper.make_node("Identity", ["carrier"], ["y"])],
    {"distance": (FLOAT, [None, 1]), "carrier": (STRING, [None, 1])},
    {"y": (STRING, [None, 1])},
)
"""A model that takes what the champion takes, and answers with a text."""
COPY = "import os, shutil, sys; shutil.copy(sys.argv[1], os.environ['DRIFTLINE_OUTPUT'] + '/model.onnx')"


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Storage of these tests' own, in which a day is sealed."""
    with running_azurite(tmp_path_factory.mktemp("retrain")) as connection:
        yield connection


@pytest.fixture(scope="module")
async def environment(azurite: str, blobs: Blobs) -> dict[str, str]:
    await blobs.create_containers()
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before="2026-03-02T06")))
    privacy_key = base64.b64encode(b"k" * 32).decode()
    own = {"WEBHOOK_SECRET": SECRET, "PRIVACY_KEY": privacy_key, "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    return environment_of(azurite) | own


@pytest.fixture(scope="module")
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    made = Blobs(service(azurite))
    yield made
    await made.close()


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSinks]:
    with running_sinks(tmp_path_factory.mktemp("sinks"), secret=SECRET) as running:
        yield running


@pytest.fixture
def sinks(receiver: RunningSinks) -> Iterator[RunningSinks]:
    yield receiver
    receiver.behave()


@pytest.fixture(scope="module")
async def champion(environment: dict[str, str], blobs: Blobs, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a model with a champion that was asked 300 times in a day, and of which 240 answers were told later."""
    folder = tmp_path_factory.mktemp("champion")
    _register(environment, folder, "delays")
    await _import(environment, blobs, folder, "delays")
    return "delays"


def _register(environment: dict[str, str], folder: Path, model: str, *options: str) -> None:
    (folder / "model.onnx").write_bytes(onnx_model("1"))
    rows = range(300)
    table = {
        "distance": [float(row % 90) for row in rows],
        "carrier": [("UA", "AA")[row % 2] for row in rows],
        "delay": [0.5] * 300,
    }
    pq.write_table(pa.table(table), folder / "train.parquet")
    files = (f"--model={folder}/model.onnx", f"--training-data={folder}/train.parquet", "--actual=delay")
    code, _, error = run(environment, "register", model, "1", *files, "--as=champion", "--json", *options)
    assert code == 0, error


async def _import(environment: dict[str, str], blobs: Blobs, folder: Path, model: str) -> None:
    lines = ["at,distance,carrier,said,delay,landed"]
    for row in range(SCORED):
        at = MIDNIGHT + timedelta(minutes=4 * row)
        late = row / 4 if row < KNOWN else ""
        lines.append(
            f"{at.isoformat()},{row % 70 + 10},{('UA', 'B6')[row % 2]},0.5,{late},{(at + timedelta(hours=2)).isoformat()}"
        )
    (folder / "scored.csv").write_text("\n".join(lines))
    options = ("--version=1", "--time=at", "--prediction=said", "--actual=delay", "--actual-time=landed", "--json")
    code, out, error = run(environment, "import", f"{folder}/scored.csv", f"--model={model}", *options)
    assert code == 0, out + error
    clock = Clock.standing(MIDNIGHT + timedelta(days=1))
    telemetry = Telemetry.to("", clock=clock)
    stepping = Stepping(blobs, Manifests(blobs), Registry(blobs, clock), clock, telemetry, standing_days=14)
    await Joining(blobs, stepping, telemetry).join(model)


def copying(folder: Path, model: bytes) -> str:
    """Return a trainer that always makes the same model."""
    (folder / "made.onnx").write_bytes(model)
    return shlex.join([sys.executable, "-c", COPY, str(folder / "made.onnx")])


async def challengers_of(blobs: Blobs, model: str) -> tuple[str, ...]:
    aliases = await documents.find(blobs, aliases_path(model), Aliases)
    return aliases.challengers if aliases else ()


async def test_what_was_captured_becomes_a_challenger_with_its_lineage(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    _register(environment, tmp_path, "whole")
    await _import(environment, blobs, tmp_path, "whole")
    keep = f"; shutil.copy(os.environ['DRIFTLINE_TRAINING_DATA'], {str(tmp_path / 'seen.parquet')!r})"
    (tmp_path / "made.onnx").write_bytes(onnx_model("2"))
    trainer = shlex.join([sys.executable, "-c", COPY + keep, str(tmp_path / "made.onnx")])

    tried = run(environment, "retrain", "whole", "--dry-run", "--json")
    code, out, error = run(environment, "retrain", "whole", f"--trainer={trainer}", "--json")
    again, said, _ = run(environment, "retrain", "whole", f"--trainer={trainer}", "--from=2026-03-01T00", "--version=x")

    assert code == 0, error
    answer = json.loads(out)
    names = ("parent", "version", "predictions", "rows", "held_out", "excluded", "decision")
    assert [answer[name] for name in names] == ["1", "2", 300, 192, 48, {"no_actual": 60}, None]
    looked = json.loads(tried[1])
    assert [looked[name] for name in ("predictions", "rows", "coverage", "start", "end", "enough")] == [
        300,
        KNOWN,
        0.8,
        answer["start"],
        answer["end"],
        True,
    ]
    manifest, _ = await documents.read(blobs, manifest_path("whole", "2"), Manifest)
    seen = (tmp_path / "seen.parquet").read_bytes()
    assert manifest.training_data == answer["sha256"] == hashlib.sha256(seen).hexdigest()
    assert manifest.trained_until == MIDNIGHT + timedelta(minutes=4 * (LEARNED - 1))
    assert manifest.lineage is not None
    assert msgspec.structs.asdict(manifest.lineage) | {"trained_at": None} == {
        "parent": "1",
        "start": "2026-02-18T00",
        "end": "2026-03-02T00",
        "trainer": trainer,
        "trained_at": None,
        "dataset": answer["dataset"],
        "decision": None,
    }
    made, _ = await documents.read(blobs, dataset_manifest_path("whole", answer["dataset"]), DatasetManifest)
    assert made.rows == {"train": LEARNED, "validation": 0, "test": KNOWN - LEARNED}
    rows = pq.read_table(io.BytesIO(seen))
    assert rows.column_names == ["_id", "_at", "distance", "carrier", "delay", "_weight"]
    assert rows.column("delay").to_pylist() == [row / 4 for row in range(LEARNED)]
    assert rows.column("distance").to_pylist() == [row % 70 + 10 for row in range(LEARNED)]
    assert manifest.schema.features[1].categories == ("AA", "B6", "UA")
    assert again == 0
    assert f"whole x is registered as a challenger of 1, made of 192 rows of dataset {answer['dataset'][:12]}" in said
    assert "which holds out 48 more" in said
    assert "python manage.py promote whole x" in said
    assert await challengers_of(blobs, "whole") == ("2", "x")


@pytest.mark.parametrize("trainer", ["false", "hook"])
async def test_a_version_that_is_no_challenger_because_of_a_kill_is_one_when_it_is_asked_for_again(
    environment: dict[str, str],
    blobs: Blobs,
    sinks: RunningSinks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trainer: str,
) -> None:
    """Nothing is trained again for it, and somebody's other version of that name is left alone."""
    model, trainer = f"killed-by-{trainer}", f"{sinks.url}/webhook/again" if trainer == "hook" else trainer
    _register(environment, tmp_path, model)
    await _import(environment, blobs, tmp_path, model)
    registry = Registry(blobs, Clock.standing(MIDNIGHT + timedelta(days=2)))
    failed = run(environment, "retrain", model, "--trainer=false", "--json")
    datasets = Datasets(blobs, registry, Requests(blobs))
    (listed,) = (await datasets.of(model)).datasets
    decisions = Decisions(blobs, Outbox(blobs, registry.clock, ()))
    preparing = Preparing(blobs, registry, JoinedActuals(Joins(blobs, Manifests(blobs))), decisions)
    drawn = await preparing.draw(await datasets.find(model, listed.dataset), most_rows=KNOWN)
    training = Training(blobs, registry, registry.clock)
    lineage = training.lineage(drawn, trainer=trainer)
    monkeypatch.setattr(Registry, "promote", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        await training.register(drawn, onnx_model("2"), version="2", lineage=lineage)
    left = await challengers_of(blobs, model)

    other = run(environment, "retrain", model, f"--trainer={trainer}", "--version=2", "--to=2026-03-01T15")
    code, out, error = run(environment, "retrain", model, f"--trainer={trainer}", "--version=2", "--json")
    again, said, _ = run(environment, "retrain", model, f"--trainer={trainer}", "--version=2")

    assert (failed[0], left) == (1, ())
    assert other[0] == 1
    assert f"{model} 2 is registered with another model" in other[2]
    assert (code, again) == (0, 0), error
    assert (json.loads(out)["version"], json.loads(out)["registered"]) == ("2", True)
    assert f"{model} 2 is registered as a challenger of 1, made of 192 rows of dataset" in said
    assert await challengers_of(blobs, model) == ("2",)
    assert not [one for one in sinks.webhooks() if one["name"] == "again"]


async def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


async def test_the_trainer_of_the_demo_is_one(environment: dict[str, str], blobs: Blobs, tmp_path: Path) -> None:
    _register(environment, tmp_path, "shown")
    await _import(environment, blobs, tmp_path, "shown")
    trainer = shlex.join([sys.executable, "-m", "infra.local.demo.trainer"])

    code, _, error = run(environment, "retrain", "shown", f"--trainer={trainer}")

    assert code == 0, error
    assert await challengers_of(blobs, "shown") == ("2",)


def test_a_dry_run_says_what_there_is_to_learn_from(environment: dict[str, str], champion: str) -> None:
    hours = ("--from=2026-03-01T01", "--to=2026-03-01T03")

    _, whole, _ = run(environment, "retrain", champion, "--dry-run")
    code, little, error = run(environment, "retrain", champion, "--dry-run", *hours)

    assert whole == (
        "a challenger of delays 1 would learn from 240 of 300 predictions (80.0%), those with an actual, "
        "from 2026-02-18T00 to 2026-03-02T00\n"
    )
    assert code == 0, error
    assert "30 of 30 predictions (100.0%)" in little
    assert "that is too little: --rows-at-least is 200" in little


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (b"no model", "not an ONNX model"),
        (b"", "not an ONNX model"),
        (onnx_model("2")[:200], "not an ONNX model"),
        (words("captain", number="distance"), "takes captain, which the training data does not have"),
        (echo(FLOAT), "'carrier' is a category, and the model takes it as float32"),
        (NAMING, "answers with a category (classification), and delays 1 with a float (regression)"),
        (words("distance", number="carrier"), "'distance' is a float, and the model takes it as object_"),
        (None, "ended with code 1"),
    ],
    ids=["rubbish", "empty", "half", "others", "numbers", "another question", "types", "fails"],
)
async def test_what_is_no_model_of_these_features_is_not_registered(
    environment: dict[str, str], blobs: Blobs, champion: str, tmp_path: Path, model: bytes | None, says: str
) -> None:
    trainer = copying(tmp_path, model) if model is not None else f"{sys.executable} -c 'raise SystemExit(1)'"

    code, out, error = run(environment, "retrain", champion, f"--trainer={trainer}", "--version=never", "--json")

    assert (code, out) == (1, "")
    assert says in json.loads(error)["detail"]
    assert [one async for one in blobs.under(f"models/{champion}/never/")] == []
    assert await challengers_of(blobs, champion) == ()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--trainer says what trains"),
        (("--trainer=true", "--rows-at-least=241"), "240 rows, 241 needed"),
        (("--trainer=true", "--from=2026-03-01T01", "--to=2026-03-01T03"), "30 rows, 200 needed"),
        (("--trainer=true", "--version=1"), "delays 1 is registered with another"),
        (("--trainer=true", "--from=2026-03-01T01", "--to=2026-03-01T01"), "--to is not after --from"),
        (
            ("--trainer=true", "--rows=100"),
            "--rows=100 makes a dataset of no more rows, and --rows-at-least=200 refuses it",
        ),
        (("--trainer=true", "--dataset=abcdef", "--from=2026-03-01T01"), "and --dataset names one"),
        (("--trainer=true", "--dataset=abcdef", "--accept=overlap"), "and --dataset names one"),
        (("--trainer=true", "--dataset=abcdef"), "'abcdef'"),
        (("--trainer=https://example.com/x", "--promote=when-established"), "--promote goes with a command"),
        (("--trainer=true", "--as-of=2026-03-02"), "has no time zone"),
        (
            ("--trainer=true", "--rows-at-least=20", "--from=2026-03-01T14"),
            "--accept missing_actuals takes it as it is",
        ),
        (("--trainer=true", "--to=2026-03-02T07"), "only what is before 2026-03-02T06 is sealed"),
        (("--trainer=sleep 1000", "--timeout-s=0.01"), "was ended after 0.01 s"),
        (("--trainer=true", "--timeout-s=soon"), "is no number of seconds"),
        (("--trainer=true", "--rows-at-least=0"), "is no number, 1 or more"),
        (("--trainer=http://example.com/train",), "a hook has an https address"),
        (("--trainer=http://127.0.0.1@example.com/train",), "a hook has an https address"),
        (("--trainer=https:///train",), "a hook has an https address"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_why(
    environment: dict[str, str], champion: str, arguments: tuple[str, ...], says: str
) -> None:
    code, _, error = run(environment, "retrain", champion, *arguments)

    assert code != 0
    assert says in error
    assert "Traceback" not in error


async def test_a_dataset_that_is_there_is_learned_from(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    """It may be of any hours, and hold anything beside what the champion is asked with."""
    _register(environment, tmp_path, "named")
    await _import(environment, blobs, tmp_path, "named")
    (tmp_path / "recipe.yaml").write_text("model: named\nsplit: {test: 0.5}\noutputs: true\n")
    code, out, error = run(environment, "dataset", "build", f"{tmp_path}/recipe.yaml", "--json")
    assert code == 0, error
    name = json.loads(out)["dataset"]
    options = ("retrain", "named", f"--dataset={name[:8]}")

    _, tried, _ = run(environment, *options, "--dry-run")
    code, out, error = run(environment, *options, f"--trainer={copying(tmp_path, onnx_model('2'))}", "--json")

    assert code == 0, error
    assert tried.startswith(
        f"a challenger of named 1 would learn from 120 rows of dataset {name[:12]}, which holds out"
    )
    answer = json.loads(out)
    assert [answer[key] for key in ("dataset", "rows", "held_out", "decision")] == [name, 120, 120, None]
    manifest, _ = await documents.read(blobs, manifest_path("named", "2"), Manifest)
    assert manifest.lineage is not None
    assert manifest.lineage.dataset == name


@pytest.mark.parametrize(("made", "is_better"), [("9", True), ("0", False)])
async def test_a_challenger_answers_where_it_is_established_to_be_better_on_rows_held_out(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path, made: str, *, is_better: bool
) -> None:
    model = f"promoted-{made}"
    _register(environment, tmp_path, model)
    await _import(environment, blobs, tmp_path, model)
    options = (f"--trainer={copying(tmp_path, onnx_model(made))}", "--promote=when-established", "--version=next")

    code, out, error = run(environment, "retrain", model, *options, "--json")

    assert code == 0, error
    answer = json.loads(out)
    compared = answer["comparison"]
    stored, _ = await documents.read(blobs, answer["comparison_path"], HeldOutComparison)
    assert json.loads(msgspec.json.encode(stored.result)) == compared
    assert (stored.champion, stored.challenger, stored.dataset) == ("1", "next", answer["dataset"])
    assert stored.path == answer["comparison_path"]
    assert compared["rows"] == KNOWN - LEARNED
    assert compared["difference"] == pytest.approx(compared["champion"] - compared["challenger"])
    assert compared["interval"][0] <= compared["difference"] <= compared["interval"][1]
    found = (compared["difference"] > 0, compared["sureness"] >= 0.95, answer["promoted"])
    assert found == (is_better, is_better, is_better)
    aliases = await documents.find(blobs, aliases_path(model), Aliases)
    assert aliases is not None
    assert (aliases.champion, aliases.challengers) == (("next", ()) if is_better else ("1", ("next",)))


async def test_what_is_better_than_a_champion_that_answers_no_more_does_not_answer(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    """It was compared with the one there was when it began to learn; somebody has promoted another one meanwhile."""
    _register(environment, tmp_path, "overtaken")
    await _import(environment, blobs, tmp_path, "overtaken")
    (tmp_path / "made.onnx").write_bytes(onnx_model("9"))
    files = (f"--model={tmp_path}/made.onnx", f"--training-data={tmp_path}/train.parquet", "--actual=delay")
    code, _, error = run(environment, "register", "overtaken", "5", *files)
    assert code == 0, error
    promote = (
        "; import subprocess; subprocess.run([sys.executable, 'manage.py', 'promote', 'overtaken', '5'], check=True)"
    )
    trainer = shlex.join([sys.executable, "-c", COPY + promote, str(tmp_path / "made.onnx")])
    passed = [f"--pass={name}" for name in environment if name not in {"PATH", "LANG"}]
    options = (f"--trainer={trainer}", "--promote=when-established", "--version=next", *passed)

    code, _, error = run(environment, "retrain", "overtaken", *options, "--json")

    assert code == 1
    assert json.loads(error)["error"] == "champion_changed"
    assert "was to answer in place of 1, and by now 5 is the champion" in json.loads(error)["detail"]
    aliases = await documents.find(blobs, aliases_path("overtaken"), Aliases)
    assert aliases is not None
    assert (aliases.champion, aliases.challengers) == ("5", ("next",))


async def test_no_more_rows_are_taken_than_are_wanted(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    """A dataset that is built is sampled, by its recipe; of one that is named nothing is left out behind its back."""
    _register(environment, tmp_path, "sampled")
    await _import(environment, blobs, tmp_path, "sampled")
    trainer = copying(tmp_path, onnx_model("2"))
    few = ("--rows=100", "--rows-at-least=100", f"--trainer={trainer}", "--json")

    code, out, error = run(environment, "retrain", "sampled", *few)
    answer = json.loads(out)
    again, _, refused = run(environment, "retrain", "sampled", f"--dataset={answer['dataset']}", "--rows=99", *few[1:])

    assert code == 0, error
    assert answer["rows"] + answer["held_out"] == 100
    assert answer["excluded"] == {"no_actual": 60, "sampled_out": 140}
    made, _ = await documents.read(blobs, dataset_manifest_path("sampled", answer["dataset"]), DatasetManifest)
    assert made.recipe.sample == Sample(rows=100)
    assert again == 1
    assert "has 100 rows to learn from and to try it on, and at most 99 are taken" in json.loads(refused)["detail"]
    assert await challengers_of(blobs, "sampled") == ("2",)


async def test_rows_that_are_younger_than_their_actuals_take_teach_nothing(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    """Those of the last four hours that turned out already, after two, are the ones that turn out soon."""
    _register(environment, tmp_path, "young")
    await _import(environment, blobs, tmp_path, "young")
    await blobs.create(monitor_config_path("young"), b"actuals_delay: PT4H\n")
    options = ("--as-of=2026-03-01T10:00Z", "--rows-at-least=50", f"--trainer={copying(tmp_path, onnx_model('2'))}")

    code, out, error = run(environment, "retrain", "young", *options, "--json")

    assert code == 0, error
    answer = json.loads(out)
    assert answer["excluded"] == {"after_as_of": 150, "too_young": 59}
    assert answer["rows"] + answer["held_out"] == 91


async def test_the_hours_are_those_of_the_newest_decision_if_that_is_to_retrain(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    _register(environment, tmp_path, "decided")
    await _import(environment, blobs, tmp_path, "decided")
    path = "monitoring/decisions/model=decided/2026-02-28T20-0.json"
    newest = NewestDecision(end="2026-03-01T14", path=path, verdict=Verdict.RETRAIN, champion="1", config="")
    pointer = "monitoring/decisions/model=decided/_newest.json"
    await blobs.create(pointer, documents.encode(newest))
    options = ("retrain", "decided", "--json")

    _, tried, _ = run(environment, *options, "--dry-run")
    _, chosen, _ = run(environment, *options, "--dry-run", "--to=2026-03-01T15")
    code, out, error = run(environment, *options, f"--trainer={copying(tmp_path, onnx_model('2'))}")
    for others in (
        msgspec.structs.replace(newest, champion="0"),
        msgspec.structs.replace(newest, verdict=Verdict.KEEP),
    ):
        await blobs.replace(pointer, documents.encode(others), etag=(await blobs.read(pointer)).etag)
        _, later, _ = run(environment, *options, "--dry-run")
        assert [json.loads(later)[name] for name in ("end", "decision")] == ["2026-03-02T00", None]

    assert code == 0, error
    assert [json.loads(tried)[name] for name in ("end", "decision")] == ["2026-03-01T14", path]
    assert [json.loads(chosen)[name] for name in ("end", "decision")] == ["2026-03-01T15", None]
    manifest, _ = await documents.read(blobs, manifest_path("decided", json.loads(out)["version"]), Manifest)
    assert manifest.lineage is not None
    assert (manifest.lineage.end, manifest.lineage.decision) == ("2026-03-01T14", path)


def test_masked_features_teach_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    _register(environment, tmp_path, "masked", "--hash=carrier")

    code, _, error = run(environment, "retrain", "masked", "--dry-run")

    assert code == 1
    assert "'carrier' of masked 1 is hashed before it leaves the scorer" in error


def test_a_trainer_sees_no_setting(environment: dict[str, str], champion: str, tmp_path: Path) -> None:
    """Whoever trains need not be able to read all that is stored, or to sign alerts."""
    seen = tmp_path / "seen.json"
    program = f"import json, os, pathlib; pathlib.Path({str(seen)!r}).write_text(json.dumps(dict(os.environ)))"
    trainer = shlex.join([sys.executable, "-c", program])
    own = {"TRAINERS_OWN": "yes", "SOMEBODY_ELSES": "no"}

    run(environment | own, "retrain", champion, f"--trainer={trainer}", "--pass=TRAINERS_OWN")

    found: dict[str, str] = json.loads(seen.read_text())
    told = {f"DRIFTLINE_{name}" for name in ("TRAINING_DATA", "SCHEMA", "ACTUAL", "TASK", "OUTPUT")}
    assert found.keys() == {"PATH", "LANG", "TRAINERS_OWN", *told} | found.keys() & {"LC_CTYPE"}
    assert not [name for name in ("STORAGE", "WEBHOOK_SECRET", "PRIVACY_KEY") if environment[name] in found.values()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_an_interruption_ends_the_trainer_and_registers_nothing(
    environment: dict[str, str], blobs: Blobs, champion: str, how: signal.Signals
) -> None:
    async with living() as trains:
        command = [
            sys.executable,
            str(HERE / "manage.py"),
            "retrain",
            champion,
            f"--trainer={trains.command}",
            "--json",
        ]
        running = await asyncio.create_subprocess_exec(
            *command, env=environment, cwd=HERE, stderr=asyncio.subprocess.PIPE
        )
        line = await trains.started()

        running.send_signal(how)
        _, error = await running.communicate()

        await trains.ended(line)
    assert running.returncode == 130
    assert error.decode().startswith("interrupted: nothing is half done")
    assert await challengers_of(blobs, champion) == ()


async def test_a_hook_is_asked_with_a_signature_and_what_it_made_is_registered_later(
    environment: dict[str, str], blobs: Blobs, sinks: RunningSinks, tmp_path: Path
) -> None:
    _register(environment, tmp_path, "hooked")
    await _import(environment, blobs, tmp_path, "hooked")

    code, out, error = run(environment, "retrain", "hooked", f"--trainer={sinks.url}/webhook/asked", "--json")
    assert code == 0, error
    (received,) = [one for one in sinks.webhooks() if one["name"] == "asked"]
    asked: dict[str, Any] = json.loads(received["body"])["data"]
    data = (await blobs.read(asked["training_data"])).data
    for name, content in (
        ("data.parquet", data),
        ("made.onnx", onnx_model("3")),
        ("schema.json", json.dumps(asked["schema"]).encode()),
        ("lineage.json", json.dumps(asked["lineage"]).encode()),
    ):
        (tmp_path / name).write_bytes(content)
    files = (f"--model={tmp_path}/made.onnx", f"--training-data={tmp_path}/data.parquet")
    told = (f"--schema={tmp_path}/schema.json", f"--lineage={tmp_path}/lineage.json")
    columns = (f"--actual={asked['actual']}", f"--time={asked['time']}")
    register = ("register", "hooked", asked["version"], *files, *columns, *told)
    killed = run(environment, *register)  # before it was named
    later = run(environment, *register, "--as=challenger")

    assert received["verdict"] == "valid"
    assert [asked[name] for name in ("model", "version", "rows", "task")] == ["hooked", "2", LEARNED, "regression"]
    assert asked["sha256"] == json.loads(out)["sha256"] == hashlib.sha256(data).hexdigest()
    assert asked["model_file"] == asked["training_data"].replace("train.parquet", "model.onnx")
    assert json.loads(out)["registered"] is False
    assert (killed[0], later[0]) == (0, 0), later[2]
    manifest, _ = await documents.read(blobs, manifest_path("hooked", "2"), Manifest)
    assert manifest.lineage == msgspec.convert(asked["lineage"], Lineage)
    assert (manifest.lineage.trainer, manifest.lineage.dataset) == ("127.0.0.1", json.loads(out)["dataset"])
    assert manifest.schema == msgspec.convert(asked["schema"], Schema)
    assert (manifest.training_data, await challengers_of(blobs, "hooked")) == (asked["sha256"], ("2",))


async def test_what_a_hook_made_is_registered_by_what_its_dataset_says(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    """Weights by age say how to learn, and no baseline is made by them; and of an erased dataset nothing is registered."""
    _register(environment, tmp_path, "told")
    parent, _ = await documents.read(blobs, manifest_path("told", "1"), Manifest)
    recipe = Recipe(model="told", weights=Weights(half_life=timedelta(days=1)))
    made = msgspec.structs.replace(dataset_of(parent), recipe=recipe)
    path = dataset_manifest_path("told", made.dataset)
    await blobs.create(path, documents.encode(made))
    rows = pq.read_table(tmp_path / "train.parquet")
    weighted = rows.append_column("_weight", pa.array([1_000_000 >> row % 2 for row in range(rows.num_rows)]))
    pq.write_table(weighted, tmp_path / "weighted.parquet")
    lineage = Lineage(parent="1", start="", end="", trainer="t", trained_at=MIDNIGHT, dataset=made.dataset)
    (tmp_path / "lineage.json").write_bytes(msgspec.json.encode(lineage))
    files = (f"--model={tmp_path}/model.onnx", f"--training-data={tmp_path}/weighted.parquet", "--actual=delay")
    told = f"--lineage={tmp_path}/lineage.json"

    plain, aged = (run(environment, "register", "told", *one, *files) for one in (("2",), ("3", told)))
    erased = msgspec.structs.replace(made, state="erased", erased_at=MIDNIGHT)
    await blobs.replace(path, documents.encode(erased), etag=(await blobs.read(path)).etag)
    code, _, error = run(environment, "register", "told", "4", *files, told)

    assert (plain[0], aged[0]) == (0, 0), plain[2] + aged[2]
    kept = [await blobs.read(f"models/told/{version}/baselines/1/rows.parquet") for version in ("2", "3")]
    counts = [pq.read_table(io.BytesIO(one.data)).num_rows for one in kept]
    assert counts[0] < counts[1] == rows.num_rows
    assert code == 1
    assert "were erased on 2026-03-01" in error
    assert [one async for one in blobs.under("models/told/4/")] == []


@pytest.mark.parametrize(("status", "location"), [(500, None), (302, "/webhook/elsewhere"), (401, None)])
def test_a_hook_that_does_not_take_it_is_told(
    environment: dict[str, str], champion: str, sinks: RunningSinks, status: int, location: str | None
) -> None:
    """A redirection is not followed: it might lead anywhere."""
    sinks.misbehave(sink="webhooks", status=status, location=location)

    code, _, error = run(environment, "retrain", champion, f"--trainer={sinks.url}/webhook/refuses")

    assert code == 1
    assert f"the trainer at 127.0.0.1 did not take the request: answered {status}" in error
    assert not [one for one in sinks.webhooks() if one["name"] == "elsewhere"]


def test_without_a_secret_no_hook_is_asked(environment: dict[str, str], champion: str, sinks: RunningSinks) -> None:
    unsigned = {name: value for name, value in environment.items() if name != "WEBHOOK_SECRET"}

    code, _, error = run(unsigned, "retrain", champion, f"--trainer={sinks.url}/webhook/unsigned")

    assert code == 1
    assert "WEBHOOK_SECRET is missing" in error
    assert not [one for one in sinks.webhooks() if one["name"] == "unsigned"]
