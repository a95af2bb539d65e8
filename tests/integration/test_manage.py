"""The command line, as a user runs it."""

import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared import documents
from shared.blobs import Blobs, service
from shared.capture.cursor import Cursor
from shared.capture.gap import Gap, gap_path
from shared.registry.manifest import Manifest, manifest_path
from shared.schema import Coarsen, Hash
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.settings import Settings, variable
from tests.integration.command_line import environment_of, run
from tests.integration.models import onnx_model
from tests.storage import running_azurite

MODEL = "taxis"


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Storage of these tests' own: some commands go through every model there is."""
    with running_azurite(tmp_path_factory.mktemp("manage")) as connection:
        yield connection


@pytest.fixture(scope="module")
def environment(azurite: str) -> dict[str, str]:
    """Return the settings the command line needs; registration touches storage alone."""
    return environment_of(azurite)


@pytest.fixture(scope="module")
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    made = Blobs(service(azurite))
    await made.create_containers()
    yield made
    await made.close()


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Return the options that register a small model from files of this test's own."""
    (tmp_path / "model.onnx").write_bytes(onnx_model("1"))
    _train(tmp_path, rows=300)
    return (f"--model={tmp_path}/model.onnx", f"--training-data={tmp_path}/train.parquet", "--actual=delay")


def _train(folder: Path, *, rows: int) -> None:
    table = pa.table(
        {
            "distance": [float(row % 7) for row in range(rows)],
            "carrier": [("UA", "AA", "B6")[row % 3] for row in range(rows)],
            "delay": [float(row % 5) for row in range(rows)],
        }
    )
    pq.write_table(table, folder / "train.parquet")


async def test_a_registered_version_is_stored_whole(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...]
) -> None:
    code, out, error = run(environment, "register", MODEL, "1", *files, "--json")

    assert code == 0, error
    answer: dict[str, Any] = json.loads(out)
    manifest, _ = await documents.read(blobs, manifest_path(MODEL, "1"), Manifest)
    assert answer["schema"] == json.loads(msgspec.json.encode(manifest.schema))
    assert (manifest.actual, manifest.training_rows) == ("delay", 300)
    names = [one.path async for one in blobs.under(f"models/{MODEL}/1/")]
    assert {f"models/{MODEL}/1/{name}" for name in manifest.files} < set(names)


async def test_the_same_version_twice_is_fine_and_with_other_bytes_refused(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...], tmp_path: Path
) -> None:
    """A version stands for its bytes: everything kept under its name was answered by them."""
    assert run(environment, "register", "twice", "1", *files, "--json")[0] == 0
    assert run(environment, "register", "twice", "1", *files, "--json")[0] == 0

    _train(tmp_path, rows=301)
    code, _, error = run(environment, "register", "twice", "1", *files, "--json")

    assert code == 1
    assert json.loads(error)["error"] == "already_registered"
    manifest, _ = await documents.read(blobs, manifest_path("twice", "1"), Manifest)
    assert manifest.training_rows == 300


def test_a_schema_is_printed_for_correction_and_taken_back(
    environment: dict[str, str], files: tuple[str, ...], tmp_path: Path
) -> None:
    code, out, error = run(environment, "register", "corrected", "1", *files, "--dry-run")
    assert code == 0, error
    schema = json.loads(out)
    carrier = next(feature for feature in schema["features"] if feature["name"] == "carrier")
    carrier["unseen"] = "reject"
    (tmp_path / "schema.json").write_text(json.dumps(schema))

    code, out, error = run(
        environment, "register", "corrected", "1", *files, f"--schema={tmp_path}/schema.json", "--json"
    )

    assert code == 0, error
    assert json.loads(out)["schema"]["features"] == schema["features"]


async def test_what_is_private_is_stored_as_it_is_captured(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...]
) -> None:
    """The table says it, the printed schema says it, and what is stored has been through it."""
    options = ("--hash=carrier", "--coarsen=distance=2.5")
    keyed = {**environment, "PRIVACY_KEY": base64.b64encode(b"k" * 32).decode()}

    printed = run(keyed, "register", "private", "1", *files, *options, "--dry-run")
    shown = run(keyed, "register", "private", "1", *files, *options)

    manifest, _ = await documents.read(blobs, manifest_path("private", "1"), Manifest)
    assert json.loads(printed[1]) == json.loads(msgspec.json.encode(manifest.schema))
    distance, carrier = (feature.privacy for feature in manifest.schema.features)
    assert distance == Coarsen(step=2.5)
    assert isinstance(carrier, Hash)
    assert "keyed hash" in shown[1]
    assert "steps of 2.5" in shown[1]
    sample = pq.read_table(io.BytesIO((await blobs.read("models/private/1/baselines/1/rows.parquet")).data))
    assert set(sample.column("distance").to_pylist()) == {0.0, 2.5, 5.0}
    assert not set(sample.column("carrier").to_pylist()) & {"UA", "AA", "B6"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--hash=carrier",), "PRIVACY_KEY is not set"),
        (("--drop=captain",), "'captain': the model takes no such feature"),
        (("--drop=carrier", "--hash=carrier"), "'carrier' stands in more than one of"),
        (("--coarsen=distance=far",), "is not FEATURE=STEP"),
        (("--coarsen=distance",), "is not FEATURE=STEP"),
        (("--coarsen=distance=0",), "'distance': a step is above 0"),
    ],
)
async def test_privacy_that_cannot_be_stores_nothing_and_says_why(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...], options: tuple[str, ...], says: str
) -> None:
    code, _, error = run(environment, "register", "unkept", "1", *files, *options)

    assert code != 0
    assert says in error
    assert "Traceback" not in error
    assert [one async for one in blobs.under("models/unkept/")] == []


def test_people_see_the_schema_as_a_table(environment: dict[str, str], files: tuple[str, ...]) -> None:
    code, out, error = run(environment, "register", "shown", "1", *files)

    assert code == 0, error
    assert "distance" in out
    assert "shown 1 is registered" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("register", "Taxis", "1", "--model=README.md", "--training-data=README.md", "--actual=x"), "is no name"),
        (("register", "taxis", "2", "--model=nowhere", "--training-data=README.md", "--actual=x"), "no file 'nowhere'"),
        (("promote", "nobody", "1"), "version '1' of model 'nobody' is not registered"),
        (("promote", "nobody", "1", "--as=challenger", "--not=challenger"), "not allowed with"),
        (("retire", "nobody", "1"), "version '1' of model 'nobody' is not registered"),
        (("retire", "nobody", "1", "--undo"), "version '1' of model 'nobody' is not registered"),
        (("monitor", "--settings=nowhere"), "no file 'nowhere'"),
        (("monitor", "--config=README.md"), "--config needs the model"),
        (("monitor", "nobody"), "model 'nobody' is not registered"),
        (("monitor", "nobody", "--config=tests/conftest.py"), "monitor.yaml: line 1: "),
        (("verify", "--from=yesterday"), "'yesterday' is no hour"),
        (("rebaseline", "nobody", "1", "--from=2026-03-01T09", "--to=2026-03-01T10"), "is not registered"),
        (("rebaseline", "nobody", "1", "--from=2026-03-01T09", "--to=2026-03-01T09"), "--to is not after --from"),
        (("verify", "--from=2026-03-01T09", "--to=2026-03-01T09"), "--to is not after --from"),
        (("verify", "--accept-gap=20260301T000000000/p0/1-2"), "--accept-gap and --by go together"),
        (("verify", "--accept-gap=20260301T000000000/p0/1-2", "--by=Ada"), "is written down"),
    ],
)
@pytest.mark.usefixtures("blobs")
def test_what_cannot_be_is_one_line_that_says_why(
    environment: dict[str, str], arguments: tuple[str, ...], says: str
) -> None:
    code, _, error = run(environment, *arguments)

    assert code != 0
    assert says in error
    assert "Traceback" not in error


def _promoted(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    code, out, error = run(environment, "promote", *arguments, "--json")
    assert code == 0, error
    answer: dict[str, Any] = json.loads(out)
    return answer


def test_challengers_are_named_one_after_the_other_and_taken_out(
    environment: dict[str, str], files: tuple[str, ...]
) -> None:
    for version in ("1", "2", "3"):
        assert run(environment, "register", "tried", version, *files, "--json")[0] == 0

    _promoted(environment, "tried", "1")
    for version in ("3", "2"):
        _promoted(environment, "tried", version, "--as=challenger")
    named = run(environment, "promote", "tried", "2", "--as=challenger")
    refused = run(environment, "promote", "tried", "1", "--as=challenger")
    won = _promoted(environment, "tried", "3", "--as=champion")
    removed = [run(environment, "promote", "tried", "2", "--not=challenger") for _ in range(2)]

    assert named[:2] == (0, "challengers of tried: 3, 2\n")
    assert refused[0] == 1
    assert "is the champion" in refused[2]
    assert won == {"model": "tried", "aliases": {"champion": "3"}, "challengers": ["2"], "comparison": None}
    assert [one[:2] for one in removed] == [(0, "challengers of tried: none\n")] * 2


def test_a_version_is_retired_once_and_back_once(environment: dict[str, str], files: tuple[str, ...]) -> None:
    """Done twice is done, and says so."""
    for version in ("1", "2"):
        assert run(environment, "register", "old", version, *files, "--json")[0] == 0
    _promoted(environment, "old", "1")

    champion = run(environment, "retire", "old", "1")
    _promoted(environment, "old", "2")
    said = [json.loads(run(environment, "retire", "old", "1", "--json")[1]) for _ in range(2)]
    told = run(environment, "retire", "old", "1")
    promoted = [
        run(environment, "promote", "old", "1", f"--as={alias}", "--json") for alias in ("champion", "challenger")
    ]
    undone = [run(environment, "retire", "old", "1", "--undo") for _ in range(2)]

    assert champion[0] == 1
    assert "is the champion: promote another one first" in champion[2]
    assert [one.pop("changed") for one in said] == [True, False]
    assert said[0] == said[1]
    assert datetime.fromisoformat(said[0].pop("retired_at")).tzinfo is not None
    assert said[0] == {"model": "old", "version": "1"}
    assert told[0] == 0
    assert told[1].endswith(" UTC, as it was before\n")
    assert [(one[0], json.loads(one[2])["error"]) for one in promoted] == [(1, "version_retired")] * 2
    assert [one[:2] for one in undone] == [(0, "old 1 is in use\n"), (0, "old 1 is in use, as it was before\n")]
    assert _promoted(environment, "old", "1")["aliases"] == {"champion": "1"}


async def test_a_model_that_cannot_be_monitored_is_named(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...]
) -> None:
    """The others are evaluated, and the reason is one line: it is what a user reads who wrote the configuration."""
    config = "models/unread/monitor.yaml"
    assert run(environment, "register", "unread", "1", *files, "--json")[0] == 0
    await blobs.create(config, b"lookback_window_size: a fortnight")
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before="2026-03-01T09")))
    try:
        code, _, error = run(environment, "monitor")
    finally:
        await blobs.delete(WATERMARK_PATH)
        await blobs.delete(config)

    assert code == 1
    assert error.startswith(config)
    assert "Traceback" not in error


def _scored(
    environment: dict[str, str], files: tuple[str, ...], folder: Path, model: str, *, far_from: int = 24
) -> None:
    """Register a model that was asked once a minute for a day; from an hour on, for distances it never learned from."""
    assert run(environment, "register", model, "1", *files, "--json")[0] == 0
    rows = "".join(
        f"2026-03-01T{minute // 60:02}:{minute % 60:02}:00Z,{minute % 7 + (50 if minute >= far_from * 60 else 0)},"
        f"{('UA', 'AA', 'B6')[minute % 3]},{minute % 5}\n"
        for minute in range(24 * 60)
    )
    (folder / "scored.csv").write_text(f"at,distance,carrier,prediction\n{rows}")
    imported = ("import", f"{folder}/scored.csv", f"--model={model}", "--version=1", "--time=at", "--json")
    assert run(environment, *imported)[0] == 0


@pytest.mark.usefixtures("watermark")
def test_one_model_is_evaluated_by_its_new_configuration(
    environment: dict[str, str], files: tuple[str, ...], tmp_path: Path
) -> None:
    """And no other one: somebody who tries a configuration must not wait for the looks of all models, nor alarm for them."""
    _scored(environment, files, tmp_path, "near")
    _scored(environment, files, tmp_path, "far", far_from=0)
    (tmp_path / "monitor.yaml").write_text("lookback_window_size: PT12H\nfeatures: [distance]\n")

    code, out, error = run(environment, "monitor", "far", f"--config={tmp_path}/monitor.yaml", "--json")
    again = run(environment, "monitor", "far")
    (tmp_path / "monitor.yaml").write_text("lookback_window_size: PT12H\nfeatures: [distence]\n")
    refused = run(environment, "monitor", "far", f"--config={tmp_path}/monitor.yaml")
    shown = run(environment, "monitor", "near")

    assert code == 0, error
    (evaluation,) = json.loads(out)["evaluations"]
    assert [evaluation[name] for name in ("model", "start", "rows")] == ["far", "2026-03-01T12", 720]
    (drift,) = [one for one in evaluation["judgements"] if one["signal"] == "drift"]
    assert (drift["verdict"], [one["feature"] for one in drift["measurements"]]) == ("breach", ["distance"])
    assert again[:2] == (0, "nothing to evaluate: no window has become due since the last look\n")
    assert refused[0] == 1
    assert refused[2].startswith("monitor.yaml: line 2: 'distence' is no captured feature of any version")
    assert shown[0] == 0, shown[2]
    assert "near 1, 2026-03-01T00 to 2026-03-02T00: 1,440 rows, calibrating" in shown[1]
    assert all(signal in shown[1] for signal in ("drift", "prediction_drift", "joint_drift", "quality"))
    assert "far" not in shown[1]


@pytest.mark.usefixtures("watermark")
async def test_what_was_evaluated_is_told_though_not_all_could_be(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...], tmp_path: Path
) -> None:
    """It is not made again: who is not told now has to look for it."""
    _scored(environment, files, tmp_path, "whole")
    assert run(environment, "register", "broken", "1", *files, "--json")[0] == 0
    config = "models/broken/monitor.yaml"
    await blobs.create(config, b"lookback_window_size: a fortnight")
    try:
        code, out, error = run(environment, "monitor", "--json")
        await blobs.delete("monitoring/evaluations/model=whole/version=1/_newest.json")
        shown = run(environment, "monitor")
    finally:
        await blobs.delete(config)

    assert (code, shown[0]) == (1, 1)
    assert "whole" in {one["model"] for one in json.loads(out)["evaluations"]}
    assert json.loads(error)["error"] == "invalid_document"
    assert "whole" in shown[1]
    assert shown[2].startswith(f"{config}: line 1: ")


@pytest.mark.usefixtures("watermark")
def test_a_replay_tells_what_a_configuration_would_have_alarmed_on(
    environment: dict[str, str], files: tuple[str, ...], tmp_path: Path
) -> None:
    _scored(environment, files, tmp_path, "replayed", far_from=18)
    (tmp_path / "monitor.yaml").write_text("lookback_window_size: PT6H\nschedule: {interval: 6}\n")
    (tmp_path / "bad.yaml").write_text("\nlookback_window_size: PT6H\nlookback_window_size: PT3H\n")
    hours = ("--from=2026-03-01T00", "--to=2026-03-02T00")
    replay = ("backtest", "--model=replayed", "--version=1", *hours, f"--config={tmp_path}/monitor.yaml")

    code, out, error = run(environment, *replay, "--json")
    shown = run(environment, *replay)
    by_default = run(environment, *replay[:-1], "--json")
    bad = run(environment, *replay[:-1], f"--config={tmp_path}/bad.yaml")
    narrow = run(environment, *replay, "--to=2026-03-01T05")
    late = run(environment, *replay, "--to=2026-03-02T06")

    assert code == 0, error
    answer = json.loads(out)
    assert [answer[name] for name in ("looks", "empty", "calibrating", "end")] == [4, 0, 4, "2026-03-02T00"]
    opened = {one["signal"]: one["opened_at"] for one in answer["alarms"]}
    assert opened["drift"] == "2026-03-02T00:00:00Z"
    assert shown[0] == 0, shown[2]
    assert f"{len(opened)} alarms in 4 looks from 2026-03-01T00 to 2026-03-02T00" in shown[1]
    assert "4 of the looks had too short a history to calibrate on" in shown[1]
    assert "2026-03-02 00:00" in shown[1]
    assert json.loads(by_default[1])["looks"] == 1
    for (failed, _, why), says in (
        (bad, f"{tmp_path}/bad.yaml: line 3: the key stands there twice - at `$.lookback_window_size`"),
        (narrow, "no window of 6 hours fits between --from and --to"),
        (late, "only what is before 2026-03-02T00 is sealed"),
    ):
        assert failed == 1
        assert says in why
        assert "Traceback" not in why


async def test_verify_is_0_only_when_the_account_closes_and_a_loss_is_taken_note_of_once(
    environment: dict[str, str], blobs: Blobs
) -> None:
    """Event Hubs cannot be reached here: what is in flight is unknown, and the account is drawn up all the same."""
    incarnation, now = "20260301T090000000", datetime(2026, 3, 1, 10, tzinfo=UTC)
    gap = Gap(incarnation=incarnation, partition=0, first=0, last=4, found_at=now)
    name = f"{incarnation}/p0/0-4"
    cursor = Cursor(first=0, sequence=4, enqueued_at=now, at=now)
    empty, _, _ = run(environment, "verify", "--json")
    await blobs.create(f"captures/cursors/{incarnation}/p0.json", documents.encode(cursor))
    await blobs.create(gap_path(incarnation, "0", 0, 4), documents.encode(gap))

    lost, out, _ = run(environment, "verify")
    accepted, answer, _ = run(environment, "verify", f"--accept-gap={name}", "--by=Ada", "--deep", "--json")
    again, _, _ = run(environment, "verify", f"--accept-gap={name}", "--by=Grace", "--json")

    stored = await documents.find(blobs, gap_path(incarnation, "0", 0, 4), Gap)
    assert (empty, lost, accepted, again) == (0, 1, 0, 0)
    assert f"verify --accept-gap {name} --by NAME" in out
    assert "Event Hubs could not be asked" in out
    assert json.loads(answer)["closes"] is True
    assert json.loads(answer)["partitions"][0]["in_flight"] is None
    assert stored is not None
    assert stored.accepted_by == "Ada"


def test_files_of_another_kind_are_named(environment: dict[str, str], files: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"neither ONNX nor Parquet")
    model, data, actual = files

    no_data = run(environment, "register", "broken", "1", model, f"--training-data={tmp_path}/broken", actual)
    no_model = run(environment, "register", "broken", "1", f"--model={tmp_path}/broken", data, actual)
    no_actual = run(environment, "register", "broken", "1", model, data, "--actual=nothing")

    for code, _, error in (no_data, no_model, no_actual):
        assert code == 1
        assert "Traceback" not in error
    assert "broken cannot be read" in no_data[2]
    assert "not an ONNX model" in no_model[2]
    assert "nothing" in no_actual[2]


@pytest.fixture
async def watermark(blobs: Blobs) -> AsyncIterator[None]:
    """Let some hours be sealed."""
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before="2026-03-02T00")))
    yield
    await blobs.delete(WATERMARK_PATH)


def _history(path: Path, *, zone: str = "Z") -> tuple[str, ...]:
    """Write a history of five flights, the third of which does not fit, and return the options that import it."""
    rows = "".join(
        f"2026-03-01T0{hour}:30:00{zone},{'far' if hour == 3 else hour},AA,{hour / 2},{'' if hour % 2 else hour},2026-03-01T12:00:00Z\n"
        for hour in range(1, 6)
    )
    path.write_text(f"at,distance,carrier,said,delay,landed\n{rows}")
    actual = ("--actual=delay", "--actual-time=landed")
    return ("import", str(path), "--version=1", "--time=at", "--prediction=said", *actual)


@pytest.mark.usefixtures("watermark")
async def test_a_history_is_imported_once(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...], tmp_path: Path
) -> None:
    """What does not fit is shown, and nothing is written until that is mended or left out on purpose."""
    assert run(environment, "register", "past", "1", *files, "--json")[0] == 0
    history = (*_history(tmp_path / "history.csv"), "--model=past")

    refused, shown, _ = run(environment, *history)
    written = [one async for one in blobs.under("captures/hours/kind=prediction/model=past/")]
    code, out, error = run(environment, *history, "--skip-bad", "--json")
    again, said, _ = run(environment, *history, "--skip-bad")

    assert refused == 1
    assert "a number is wanted, not a text" in shown
    assert "1 of 5 rows do not fit" in shown
    assert not written
    assert code == 0, error
    answer = json.loads(out)
    assert answer["misfits"] == [{"row": 2, "feature": "distance", "reason": "a number is wanted, not a text"}]
    assert [answer[name] for name in ("predictions", "actuals", "hours")] == [4, 2, 4]
    assert again == 0
    assert "nothing to add: all 4 rows are there already" in said


@pytest.mark.usefixtures("watermark")
def test_an_actual_that_comes_later_keeps_no_prediction_out(
    environment: dict[str, str], files: tuple[str, ...], tmp_path: Path
) -> None:
    assert run(environment, "register", "late", "1", *files, "--json")[0] == 0
    path = tmp_path / "history.csv"
    history = (*_history(path), "--model=late", "--skip-bad")
    path.write_text(path.read_text().replace("03-01T12:00", "03-02T12:00", 2))

    code, out, error = run(environment, *history, "--json")
    _, said, _ = run(environment, *history)

    assert code == 0, error
    answer = json.loads(out)
    assert [answer[name] for name in ("predictions", "actuals", "later_actuals")] == [4, 1, 1]
    assert "left out 1 actuals: the hours that they were known in are not sealed yet" in said


@pytest.mark.usefixtures("watermark")
async def test_a_new_normal_is_accepted(environment: dict[str, str], files: tuple[str, ...], tmp_path: Path) -> None:
    assert run(environment, "register", "moved", "1", *files, "--json")[0] == 0
    minutes = (f"2026-03-01T0{hour}:{minute:02}:00Z" for hour in (4, 5) for minute in range(60))
    rows = "".join(f"{at},{place % 7},AA,{place % 5}\n" for place, at in enumerate(minutes))
    (tmp_path / "moved.csv").write_text(f"at,distance,carrier,prediction\n{rows}")
    imported = ("import", f"{tmp_path}/moved.csv", "--model=moved", "--version=1", "--time=at", "--json")
    assert run(environment, *imported)[0] == 0
    hours = ("rebaseline", "moved", "1", "--from=2026-03-01T04", "--to=2026-03-01T06")

    early = run(environment, *hours[:-1], "--to=2026-03-02T06")
    code, out, error = run(environment, *hours, "--json")
    again = run(environment, *hours)

    assert early[0] == 1
    assert "only what is before 2026-03-02T00 is sealed" in early[2]
    assert code == 0, error
    assert [one["baseline"] for one in json.loads(out)["history"]] == [1, 2]
    assert again[:2] == (0, "moved 1 is compared with baseline 2 from now on\n")


@pytest.mark.usefixtures("watermark")
async def test_a_key_in_the_first_column_of_what_a_spreadsheet_saved_stays_a_text(
    environment: dict[str, str], blobs: Blobs, files: tuple[str, ...], tmp_path: Path
) -> None:
    """Such a file begins with a mark, and a key that was taken for a number would lose its zeros."""
    assert run(environment, "register", "saved", "1", *files, "--json")[0] == 0
    path = tmp_path / "history.csv"
    path.write_text("key,at,distance,carrier,said\n007,2026-03-01T01:30:00Z,1,AA,0.5\n", encoding="utf-8-sig")

    options = ("--model=saved", "--version=1", "--time=at", "--prediction=said", "--external-id=key", "--json")
    code, _, error = run(environment, "import", str(path), *options)

    assert code == 0, error
    folder = "captures/hours/kind=prediction/model=saved/"
    (rows,) = [one.path async for one in blobs.under(folder) if one.path.endswith(".parquet")]
    stored = pq.ParquetFile(io.BytesIO((await blobs.read(rows)).data)).read()
    assert stored.column("_external_id").to_pylist() == ["007"]


@pytest.mark.usefixtures("watermark")
def test_times_without_a_zone_are_taken_for_utc_only_on_demand(
    environment: dict[str, str], files: tuple[str, ...], tmp_path: Path
) -> None:
    assert run(environment, "register", "naive", "1", *files, "--json")[0] == 0
    history = (*_history(tmp_path / "history.csv", zone=""), "--model=naive", "--skip-bad", "--json")

    _, refused, _ = run(environment, *history)
    code, taken, error = run(environment, *history, "--naive-is-utc")

    assert json.loads(refused)["bad_rows"] == 5
    assert "it has no time zone" in json.loads(refused)["misfits"][0]["reason"]
    assert code == 0, error
    assert json.loads(taken)["predictions"] == 4


@pytest.mark.usefixtures("watermark")
def test_what_cannot_be_imported_is_one_line_that_says_why(
    environment: dict[str, str], files: tuple[str, ...], tmp_path: Path
) -> None:
    assert run(environment, "register", "unfit", "1", *files, "--json")[0] == 0
    (tmp_path / "broken.parquet").write_bytes(b"nothing of the sort")
    history = ("--model=unfit", "--version=1")

    broken = run(environment, "import", f"{tmp_path}/broken.parquet", *history, "--time=at")
    lacking = run(environment, "import", f"{tmp_path}/train.parquet", *history, "--time=at")
    half = run(environment, "import", f"{tmp_path}/train.parquet", *history, "--time=at", "--actual=delay")

    for code, _, error in (broken, lacking, half):
        assert code == 1
        assert "Traceback" not in error
    assert "broken.parquet cannot be read" in broken[2]
    assert "'at': the file has no such column, but distance, carrier, delay" in lacking[2]
    assert "--actual and --actual-time go together" in half[2]


def test_without_settings_every_missing_one_is_named(files: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"Values": {}}')

    code, _, error = run({}, "register", "taxis", "1", *files, f"--settings={tmp_path}/settings.json")

    assert code == 1
    needed = {variable(one) for one in Settings.__dataclass_fields__.values() if variable(one).endswith("SCHEDULE")}
    assert all(name in error for name in {"STORAGE", "EVENTS", "EVENTS_HUB", *needed})


@pytest.mark.parametrize("content", ["not JSON", "{}", "[]"])
def test_a_settings_file_that_is_none_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(content)

    code, _, error = run({}, "promote", "taxis", "1", f"--settings={tmp_path}/settings.json")

    assert code == 1
    assert "settings.json cannot be read" in error
    assert "Traceback" not in error
