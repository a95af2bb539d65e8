"""Windows of sealed hours against the baseline: evaluations, and what they mean for alerts."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import pytest

import manage
from functions.monitor import monitor
from shared import documents, wiring
from shared.alerts.lifecycle import Alert
from shared.alerts.messages import type_of
from shared.alerts.outbox import Entry
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.errors import InvalidDocument, NoEvaluation, UnknownModel
from shared.hours import Hour
from shared.monitoring.catalog import Catalog
from shared.monitoring.evaluation import Evaluation, Evaluations
from shared.monitoring.monitoring import NotEveryVersionEvaluated
from shared.monitoring.window import Window
from shared.monitoring.windows import Windows
from shared.profiles import encoding
from shared.profiles.bins import Bins, digest
from shared.profiles.cutting import cut
from shared.profiles.profile import profile, segment
from shared.registry.baselines import Baselines
from shared.schema import Coarsen, Drop, Hash, Privacy
from shared.scoring.privacy import Masks
from shared.sealing.hours.hour import HourManifest, read
from shared.sealing.paths import day_path, hour_folder, manifest_path
from shared.signals.judgement import Signal, Verdict
from tests.integration.models import registered
from tests.integration.monitoring.conftest import ALONE, FAR, ROWS, USUAL, WINDOW, Watched
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.stored import Killed, Mortal, everything

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
FIRST = Hour.containing(NINE)
NEWEST = "monitoring/evaluations/model=flights/version=1/_newest.json"


async def rows_of(blobs: Blobs, *hours: int) -> pa.Table:
    """Return the rows of some hours as they are stored."""
    parts = []
    for hour in (FIRST.plus(number) for number in hours):
        manifest, _ = await documents.read(blobs, manifest_path(SHELF, hour), HourManifest)
        for generation in manifest.generations:
            content = await blobs.read(f"{hour_folder(SHELF, hour)}{generation.rows_file}")
            parts.append(read(content.data)[0].replace_schema_metadata(None))
    return pa.concat_tables(parts)


async def bins_of(stages: Stages) -> Bins:
    registry = stages.registry()
    return (await Baselines(stages.blobs, registry).current(await registry.manifest("flights", "1"))).bins


async def news_in(blobs: Blobs) -> Counter[tuple[str, str]]:
    found = (await everything(blobs, "monitoring/outbox/")).items()
    messages = [documents.decode(data, Entry, path=path).message for path, data in found]
    return Counter((one.data.id, type_of(one)) for one in messages)


def verdicts(evaluation: Evaluation) -> dict[Signal, Verdict]:
    return {one.signal: one.verdict for one in evaluation.judgements}


async def register(stages: Stages, model: str, version: str) -> None:
    made = registered(model, version)
    await stages.registry().register(made.manifest, files=made.files)


async def test_a_window_is_the_profile_of_all_rows_of_its_hours_and_no_others(watched: Watched) -> None:
    """Of every generation too: what came late counts like the rest."""
    for hour in range(4):
        await watched.capture(hour, [float(hour), float(hour + 1)])
    await watched.seal_up_to(4)
    await watched.capture(2, [50.0])
    await watched.seal_up_to(4)
    bins, blobs = await bins_of(watched.stages), watched.stages.blobs

    contents = await Windows(blobs).read("flights", "1", Window(FIRST.plus(1), FIRST.plus(3)), bins)

    rows = await rows_of(blobs, 1, 2)
    assert rows.num_rows == contents.profile.rows == 5
    assert contents.profile == profile(rows, bins)
    assert list(contents.inputs) == [manifest_path(SHELF, FIRST.plus(hour)) for hour in (1, 2)]


async def test_hours_profiled_over_other_bins_are_profiled_again(watched: Watched) -> None:
    """A baseline that was changed must be comparable with hours that were sealed before."""
    await watched.hour(0, USUAL)
    rows = await rows_of(watched.stages.blobs, 0)
    manifest = await watched.stages.registry().manifest("flights", "1")
    others = cut(rows.slice(0, 50), manifest.schema)

    contents = await Windows(watched.stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(1)), others)

    assert contents.profile == profile(rows, others)


async def test_few_generations_are_profiled_again_at_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of millions of records has dozens: all of their rows at once are more than a machine has memory."""
    for late in range(6):
        await watched.capture(0, [float(late)])
        await watched.seal_up_to(1)
    rows = await rows_of(watched.stages.blobs, 0)
    others = cut(rows.slice(0, 3), (await watched.stages.registry().manifest("flights", "1")).schema)
    under_way: Counter[str] = Counter()
    most = 0

    async def counted(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - passed on
        nonlocal most
        under_way["threads"] += 1
        most = max(most, under_way["threads"])
        await asyncio.sleep(0.01)
        under_way["threads"] -= 1
        return function(*arguments)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    contents = await Windows(watched.stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(1)), others)

    assert contents.profile == profile(rows, others)
    assert most == 2


async def test_a_window_over_midnight_holds_both_days(watched: Watched) -> None:
    for hour in (13, 14, 15, 16):
        await watched.capture(hour, [1.0])
    await watched.seal_up_to(17)
    bins = await bins_of(watched.stages)

    contents = await Windows(watched.stages.blobs).read("flights", "1", Window(FIRST.plus(14), FIRST.plus(16)), bins)

    assert [path.split("/")[5:7] for path in contents.inputs] == [
        ["date=2026-03-01", "hour=23"],
        ["date=2026-03-02", "hour=00"],
    ]


@pytest.fixture
async def rolled(watched: Watched) -> Watched:
    """From 2026-03-01 at nine to 2026-03-04 at nine: two whole days, and a part of one at either end."""
    for hour in (0, 5, 14, 15, 16, 30, 38, 39, 62, 63, 71):
        await watched.capture(hour, [float(hour), float(hour % 7), 90.0])
    await watched.seal_up_to(72)
    return watched


@pytest.mark.parametrize(
    ("first", "end"), [(0, 72), (15, 63), (14, 64), (15, 39), (16, 63), (15, 62), (5, 6), (39, 39)]
)
async def test_a_window_is_the_same_from_days_and_from_hours(rolled: Watched, first: int, end: int) -> None:
    """To the bit: days save reading, and an evaluation must not tell how it was read."""
    bins, blobs = await bins_of(rolled.stages), rolled.stages.blobs
    window = Window(FIRST.plus(first), FIRST.plus(end))

    by_days = await Windows(blobs).read("flights", "1", window, bins)
    for path in await everything(blobs, "captures/days/"):
        await blobs.delete(path)
    by_hours = await Windows(blobs).read("flights", "1", window, bins)

    days = [one for one in (15, 39) if first <= one and one + 24 <= end]
    assert encoding.encode(by_days.profile) == encoding.encode(by_hours.profile)
    assert [day_path(SHELF, FIRST.plus(one).date) for one in days] == [
        path for path in by_days.inputs if path.endswith("_day.json")
    ]
    assert all(path.endswith("_manifest.json") for path in by_hours.inputs)


async def test_an_evaluation_names_the_days_it_was_read_from(rolled: Watched) -> None:
    monitoring = rolled.monitoring()
    await monitoring.configure("flights", b"lookback_window_size: P2D\n")

    (evaluation,) = await monitoring.evaluate_all()

    blobs = rolled.stages.blobs
    captured = [path.split("/")[1] for path in evaluation.inputs if path.startswith("captures/")]
    assert captured == ["hours"] * 2 + ["days"] + ["hours"] * 2
    for path, sha256 in evaluation.inputs.items():
        assert hashlib.sha256((await blobs.read(path)).data).hexdigest() == sha256


async def test_a_day_over_other_bins_is_read_by_its_hours(rolled: Watched) -> None:
    rows = await rows_of(rolled.stages.blobs, 15, 16, 30, 38)
    manifest = await rolled.stages.registry().manifest("flights", "1")
    others = cut(rows.slice(0, 5), manifest.schema)

    contents = await Windows(rolled.stages.blobs).read("flights", "1", Window(FIRST.plus(15), FIRST.plus(39)), others)

    assert contents.profile == profile(rows, others)
    assert len(contents.inputs) == 4


@pytest.mark.parametrize("left", [None, b""])
async def test_a_day_that_is_not_rolled_up_is_never_taken_for_one_without_rows(
    rolled: Watched, left: bytes | None
) -> None:
    """Its document is deleted before an hour gains a generation, and empty while it is made."""
    blobs, path = rolled.stages.blobs, day_path(SHELF, "2026-03-02")
    await blobs.delete(path)
    if left is not None:
        await blobs.create(path, left)
    bins = await bins_of(rolled.stages)

    contents = await Windows(blobs).read("flights", "1", Window(FIRST.plus(15), FIRST.plus(39)), bins)

    assert contents.profile.rows == 12


async def test_rows_like_the_training_data_are_ok_and_others_are_a_breach(watched: Watched) -> None:
    for hour, distances in enumerate([USUAL, USUAL, FAR, FAR]):
        await watched.hour(hour, distances)
    usual, far = [
        await watched.monitoring().evaluate(
            await watched.stages.registry().manifest("flights", "1"),
            Window.before(FIRST.plus(end), hours=2),
            await watched.monitoring().registry.monitor_config("flights"),
            standing=ALONE,
        )
        for end in (2, 4)
    ]

    assert usual.rows == far.rows == 2 * ROWS
    watched_for = (Signal.DRIFT, Signal.PREDICTION_DRIFT, Signal.JOINT_DRIFT, Signal.QUALITY)
    nobody_told = dict.fromkeys((Signal.PERFORMANCE, Signal.ACTUALS), "unknown")
    assert verdicts(usual) == dict.fromkeys(watched_for, "ok") | nobody_told
    assert verdicts(far)[Signal.DRIFT] == verdicts(far)[Signal.PREDICTION_DRIFT] == "breach"
    assert verdicts(far)[Signal.JOINT_DRIFT] == "unknown", "a feature has moved by itself, and its products with it"
    assert far.judgements[0].measurements[0].feature == "distance"


@pytest.mark.parametrize(
    ("privacy", "columns", "drift"),
    [
        ((("carrier", Hash()), ("distance", Coarsen(step=5))), ["distance", "carrier"], "breach"),
        ((("carrier", Drop()), ("distance", Drop())), [], "unknown"),
    ],
)
async def test_what_is_captured_of_private_features_is_compared_with_a_baseline_of_the_same(
    watched: Watched, privacy: tuple[tuple[str, Privacy], ...], columns: list[str], drift: str
) -> None:
    """A shift shows as far as anything is kept that it could show in, and where there is none, nothing does."""
    made = registered("flights", "2", privacy=privacy, privacy_key=b"k" * 32)
    await watched.stages.registry().register(made.manifest, files=made.files)
    masks = Masks(made.manifest.schema, model="flights", key=b"k" * 32)
    for hour, distances in enumerate([USUAL, USUAL, FAR, FAR]):
        await watched.capture(hour, distances, version="2", masks=masks)
        await watched.seal_up_to(hour + 1)
    config = await watched.monitoring().registry.monitor_config("flights")

    usual, far = [
        await watched.monitoring().evaluate(
            made.manifest, Window.before(FIRST.plus(end), hours=2), config, standing=ALONE
        )
        for end in (2, 4)
    ]

    folder = hour_folder(Shelf(Kind.PREDICTION, "flights", "2"), FIRST)
    rows, _ = read((await watched.stages.blobs.read(f"{folder}rows-0.parquet")).data)
    assert [name for name in rows.column_names if name in {"distance", "carrier"}] == columns
    assert (usual.rows, far.rows) == (2 * ROWS, 2 * ROWS)
    asked = {name: found for name, found in verdicts(usual).items() if name not in {"performance", "actuals"}}
    assert set(asked.values()) <= {"ok", drift} - {"breach"}
    assert verdicts(far)[Signal.DRIFT] == drift
    assert verdicts(far)[Signal.PREDICTION_DRIFT] == "breach"


async def test_a_window_without_rows_is_unknown(watched: Watched) -> None:
    """No rows is not no drift."""
    await watched.hour(0, USUAL)
    await watched.seal_up_to(4)

    (evaluation,) = await watched.monitoring().evaluate_all()

    assert evaluation.rows == 0
    assert set(verdicts(evaluation).values()) == {Verdict.UNKNOWN}


async def test_a_version_that_was_never_asked_is_not_looked_at(watched: Watched) -> None:
    """Nothing would be found, at every look, for as long as it stands there."""
    await watched.seal_up_to(4)

    assert await watched.monitoring().evaluate_all() == []


async def test_versions_that_are_asked_share_the_budget(watched: Watched) -> None:
    """One that is only registered raises no alarm, and needs no part of it."""
    await register(watched.stages, "flights", "2")
    await register(watched.stages, "flights", "3")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, version="2")
    await watched.seal_up_to(2)
    await watched.stages.registry().promote("flights", "2", alias="champion")

    evaluations = await watched.monitoring().evaluate_all()

    assert {one.version: (one.versions, one.is_champion) for one in evaluations} == {"1": (2, False), "2": (2, True)}


async def test_a_version_that_is_retired_is_not_looked_at_until_it_is_back(watched: Watched) -> None:
    """Nor does it have a part in the budget, and its data stays."""
    await register(watched.stages, "flights", "2")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, version="2")
    await watched.seal_up_to(2)
    before = await everything(watched.stages.blobs, "captures/")
    registry = watched.stages.registry()

    await registry.retire("flights", "2")
    evaluations = await watched.monitoring().evaluate_all()
    await registry.reinstate("flights", "2")
    later = await watched.monitoring().evaluate_all()

    assert [(one.version, one.versions) for one in evaluations] == [("1", 1)]
    assert [(one.version, one.versions) for one in later] == [("2", 2)]
    assert await everything(watched.stages.blobs, "captures/") == before


async def test_predictions_of_a_retired_version_are_kept_and_sealed(watched: Watched) -> None:
    """They were answered before it was: events wait in the hub, and in the spool."""
    await watched.stages.registry().retire("flights", "1")

    await watched.hour(0, USUAL)

    assert (await rows_of(watched.stages.blobs, 0)).num_rows == ROWS
    assert not [one async for one in watched.stages.blobs.under("captures/dead/")]


async def test_the_same_inputs_give_the_same_evaluation_to_the_byte(watched: Watched) -> None:
    """Its name is its content: an evaluation can be made again from storage and compared."""
    await watched.hour(0, USUAL)
    await watched.hour(1, FAR)
    await watched.monitoring().evaluate_all()
    before = await everything(watched.stages.blobs, "monitoring/")
    await watched.stages.blobs.delete(NEWEST)

    await watched.monitoring().evaluate_all()

    assert await everything(watched.stages.blobs, "monitoring/") == before


async def test_numbers_of_an_evaluation_have_twelve_digits(watched: Watched) -> None:
    """In the last ones processors differ, and with them the bytes of what they evaluate."""
    for hour in range(2):
        await watched.hour(hour, FAR)
    registry = watched.stages.registry()

    found = await watched.monitoring().evaluate(
        await registry.manifest("flights", "1"),
        Window(FIRST, FIRST.plus(2)),
        await registry.monitor_config("flights"),
        standing=ALONE,
    )

    measurements = [one for judgement in found.judgements for one in judgement.measurements]
    numbers = [
        [number for one in measurements for number in (one.value, one.p_value) if number is not None],
        [number for one in measurements for number in one.also.values()],
        [number for one in measurements for number in one.p_values.values()],
    ]
    assert all(numbers)
    for some in numbers:
        assert some == [float(f"{number:.12g}") for number in some]


async def test_nothing_is_evaluated_until_another_hour_is_sealed(watched: Watched) -> None:
    assert await watched.monitoring().evaluate_all() == []
    await watched.hour(0, USUAL)
    await watched.hour(1, USUAL)
    monitoring = watched.monitoring()

    first, again = await monitoring.evaluate_all(), await monitoring.evaluate_all()
    await watched.hour(2, USUAL)
    next_one = await monitoring.evaluate_all()

    assert [one.end for one in first + again + next_one] == [FIRST.plus(2).key, FIRST.plus(3).key]
    assert (first[0].start, next_one[0].rows) == (FIRST.key, 2 * ROWS)


async def test_a_window_that_begins_before_the_first_prediction_is_not_judged(watched: Watched) -> None:
    """It is not full for no reason that will come again, and a model that was just deployed would begin with an alarm."""
    await watched.hour(0, FAR)
    early = await watched.monitoring().evaluate_all()
    await watched.hour(1, FAR)

    (whole,) = await watched.monitoring().evaluate_all()

    assert early == []
    assert whole.start == FIRST.key


async def test_only_of_the_champion_predictions_are_missed(watched: Watched) -> None:
    """Nobody asks the others any more, or yet."""
    await register(watched.stages, "flights", "2")
    for hour in range(4):
        for version in ("1", "2"):
            await watched.capture(hour, USUAL, version=version)
    await watched.seal_up_to(4)
    await watched.stages.registry().promote("flights", "2", alias="champion")

    evaluated = {one.version: one for one in await watched.monitoring().evaluate_all()}

    metrics = {
        version: {one.metric for judgement in evaluation.judgements for one in judgement.measurements}
        for version, evaluation in evaluated.items()
    }
    assert "volume_change" not in metrics["1"]
    assert "volume_change" in metrics["2"]


async def test_an_evaluation_names_the_configuration_and_every_input(watched: Watched) -> None:
    await watched.hour(0, USUAL)
    await watched.hour(1, USUAL)
    monitoring = watched.monitoring()
    config = await monitoring.configure("flights", WINDOW + b"false_alarms_per_month: 0.5\n")

    (evaluation,) = await monitoring.evaluate_all()

    stored = await everything(watched.stages.blobs, "captures/hours/")
    read = {path: data for path, data in stored.items() if path.endswith("_manifest.json")}
    read |= {
        path: data
        for path, data in (await everything(watched.stages.blobs, "models/flights/1/baselines/1/")).items()
        if path.endswith(("_bins", "_profile"))
    }
    assert evaluation.config == config.digest
    assert evaluation.inputs == {path: hashlib.sha256(data).hexdigest() for path, data in read.items()}
    assert evaluation.baseline == "models/flights/1/baselines/1/"


async def test_an_older_window_does_not_become_the_newest(watched: Watched) -> None:
    """A stage may be run again about what was long ago."""
    for hour in range(3):
        await watched.hour(hour, USUAL)
    monitoring = watched.monitoring()
    await monitoring.evaluate_all()
    manifest = await watched.stages.registry().manifest("flights", "1")

    await monitoring.evaluate(
        manifest,
        Window.before(FIRST.plus(1), hours=2),
        await monitoring.registry.monitor_config("flights"),
        standing=ALONE,
    )

    newest = await Evaluations(watched.stages.blobs).newest("flights", "1")
    assert newest.end == FIRST.plus(3).key


async def test_a_drift_opens_an_alert_once_and_resolves_it_once(watched: Watched) -> None:
    monitoring = watched.monitoring()
    for hour, distances in enumerate([USUAL, USUAL, FAR, FAR, USUAL, USUAL, USUAL, USUAL]):
        await watched.hour(hour, distances)
        await monitoring.evaluate_all()
        await monitoring.evaluate_all()

    signals = ("drift", "prediction_drift")
    news = await news_in(watched.stages.blobs)
    assert {one.rsplit(".", 2)[1] for one, _ in news} == set(signals)
    assert set(news.values()) == {1}
    assert Counter(kind for _, kind in news) == {"alert.opened": 2, "alert.resolved": 2}


async def test_a_model_that_cannot_be_evaluated_does_not_stop_the_others(watched: Watched) -> None:
    await register(watched.stages, "airports", "1")
    await register(watched.stages, "zeppelins", "1")
    await watched.stages.blobs.create("models/airports/monitor.yaml", b"lookback_window_size: 2026-13-45")
    await watched.monitoring().configure("zeppelins", WINDOW)
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, model="zeppelins")
    await watched.seal_up_to(2)

    with pytest.raises(NotEveryVersionEvaluated) as caught:
        await watched.monitoring().evaluate_all()

    (failure,) = caught.value.exceptions
    evaluated = [one async for one in watched.stages.blobs.under("monitoring/evaluations/")]
    assert isinstance(failure, InvalidDocument)
    assert {one.path.split("/")[2] for one in evaluated} == {"model=flights", "model=zeppelins"}
    assert {one.model for one in caught.value.evaluations} == {"flights", "zeppelins"}


async def test_one_model_is_evaluated_by_itself(watched: Watched) -> None:
    await register(watched.stages, "airports", "1")
    await watched.hour(0, USUAL)
    await watched.hour(1, USUAL)

    (evaluation,) = await watched.monitoring().evaluate_all(model="flights")

    assert evaluation.model == "flights"
    with pytest.raises(UnknownModel):
        await watched.monitoring().evaluate_all(model="flihgts")


async def test_the_timer_and_the_command_at_once_come_to_one_evaluation(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody tells them apart: what is stored and told is what one alone would have stored and told."""
    await watched.hour(0, USUAL)
    await watched.hour(1, FAR)
    await watched.monitoring().evaluate_all()
    blobs = watched.stages.blobs
    alone = await everything(blobs, "monitoring/")
    for path in alone:
        await blobs.delete(path)
    monkeypatch.setattr(wiring, "monitoring", watched.monitoring)
    asked = manage._parser().parse_args(["monitor", "flights", "--json"])

    told = await asyncio.gather(*(run for _ in range(3) for run in (asked.run(asked), monitor(None))))

    evaluations = [
        data for path, data in alone.items() if path.startswith("monitoring/evaluations/") and path != NEWEST
    ]
    assert await everything(blobs, "monitoring/") == alone
    assert len(evaluations) == 1
    said = [msgspec.json.decode(msgspec.json.encode(one.values["evaluations"])) for one in told[::2]]
    assert said == [[msgspec.json.decode(evaluations[0])]] * 3


async def test_a_version_that_cannot_be_evaluated_does_not_stop_the_next(watched: Watched) -> None:
    """The first version is the oldest, and the one that answers is not."""
    await register(watched.stages, "flights", "2")
    await watched.stages.blobs.delete("models/flights/1/baseline.json")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, version="2")
    await watched.seal_up_to(2)

    with pytest.raises(ExceptionGroup):
        await watched.monitoring().evaluate_all()

    assert (await Evaluations(watched.stages.blobs).newest("flights", "2")).end == FIRST.plus(2).key


async def test_killed_at_every_write_it_comes_to_the_same_evaluation_and_news(watched: Watched) -> None:
    await watched.hour(0, FAR)
    await watched.hour(1, FAR)
    await watched.monitoring().evaluate_all()
    blobs = watched.stages.blobs
    whole = await everything(blobs, "monitoring/")
    writes = 0
    while True:
        for path in await everything(blobs, "monitoring/"):
            await blobs.delete(path)
        try:
            await watched.monitoring(Mortal(blobs, writes=writes)).evaluate_all()
        except Killed:
            await watched.monitoring().evaluate_all()
        else:
            break
        writes += 1

        assert await everything(blobs, "monitoring/") == whole
    assert writes == len(whole) + 2, "each of two alerts is written twice"


async def test_killed_before_its_end_the_next_window_tells_the_same_alert_once(watched: Watched) -> None:
    """An hour may pass before the host starts again; the breach that opened an alert has its name from the first."""
    await watched.hour(0, FAR)
    await watched.hour(1, FAR)
    with pytest.raises(Killed):  # after the evaluation, the alert of drift, and before its news
        await watched.monitoring(Mortal(watched.stages.blobs, writes=2)).evaluate_all()
    await watched.hour(2, FAR)

    await watched.monitoring().evaluate_all()

    news = await news_in(watched.stages.blobs)
    alerts = (await everything(watched.stages.blobs, "monitoring/alerts/")).items()
    assert news == {
        ("flights.1.drift.2026-03-01T11", "alert.opened"): 1,
        ("flights.1.prediction_drift.2026-03-01T12", "alert.opened"): 1,
    }
    assert {documents.decode(data, Alert, path=path).id for path, data in alerts} == {one for one, _ in news}


async def test_a_configuration_that_does_not_hold_changes_nothing(watched: Watched) -> None:
    monitoring = watched.monitoring()
    with pytest.raises(InvalidDocument, match="lookback_window_size"):
        await monitoring.configure("flights", b"lookback_window_size: PT1M")
    with pytest.raises(UnknownModel):
        await monitoring.configure("flihgts", WINDOW)

    assert (await watched.stages.blobs.read("models/flights/monitor.yaml")).data == WINDOW
    assert not [one async for one in watched.stages.blobs.under("models/flihgts/")]


async def test_the_catalog_shows_models_versions_and_what_answers(watched: Watched) -> None:
    await register(watched.stages, "flights", "2")
    await register(watched.stages, "airports", "1")
    await watched.stages.registry().promote("flights", "2", alias="champion")
    registry = watched.stages.registry()
    catalog = Catalog(registry, Evaluations(watched.stages.blobs))

    found = await catalog.models()

    assert [(one.model, one.versions, one.aliases) for one in found.models] == [
        ("airports", ("1",), {}),
        ("flights", ("1", "2"), {"champion": "2"}),
    ]
    shown = msgspec.structs.asdict(await catalog.version("flights", "1"))
    assert shown == msgspec.structs.asdict(await registry.manifest("flights", "1")) | {"retired_at": None}
    with pytest.raises(UnknownModel):
        await catalog.model("flihgts")
    with pytest.raises(UnknownModel):
        await catalog.version("flights", "3")


async def test_the_catalog_shows_challengers_and_what_is_retired(watched: Watched) -> None:
    for version in ("2", "3"):
        await register(watched.stages, "flights", version)
    registry = watched.stages.registry()
    for version in ("3", "1"):
        await registry.promote("flights", version, alias="challenger")
    at = (await registry.retire("flights", "2")).retired["2"]
    catalog = Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs))

    flights = await catalog.model("flights")

    assert (flights.versions, flights.aliases, flights.challengers) == (("1", "2", "3"), {}, ("3", "1"))
    assert flights.retired_at == {"2": at}
    assert [(await catalog.version("flights", one)).retired_at for one in ("1", "2")] == [None, at]


async def test_the_catalog_shows_the_newest_evaluation_of_what_answers(watched: Watched) -> None:
    """Of the champion; where nobody was promoted, of the last version registered that is in use."""
    await register(watched.stages, "flights", "2")
    catalog = Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs))
    with pytest.raises(NoEvaluation):
        await catalog.evaluation("flights")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL[:200], version="2")
    await watched.seal_up_to(2)
    await watched.monitoring().evaluate_all()

    before = await catalog.evaluation("flights")
    await watched.stages.registry().retire("flights", "2")
    retired = await Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs)).evaluation("flights")
    await watched.stages.registry().promote("flights", "1", alias="champion")
    after = await Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs)).evaluation("flights")

    assert (before.version, before.rows) == ("2", 400)
    assert retired.version == "1"
    assert (after.version, after.rows) == ("1", 2 * ROWS)
    with pytest.raises(UnknownModel):
        await catalog.evaluation("flihgts")


async def test_hours_are_sealed_with_the_segments_that_are_configured_then(watched: Watched) -> None:
    """And hours that were sealed before are profiled again: a window has all or none of its segments."""
    await watched.hour(0, USUAL)
    await watched.monitoring().configure("flights", b"segments: [carrier]\nlookback_window_size: PT2H")
    await watched.hour(1, USUAL)
    stages = watched.stages
    registry = stages.registry()

    baseline = await Baselines(stages.blobs, registry).current(await registry.manifest("flights", "1"), ("carrier",))
    contents = await Windows(stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(2)), baseline.bins)

    (generation,) = (await documents.read(stages.blobs, manifest_path(SHELF, FIRST.plus(1)), HourManifest))[
        0
    ].generations
    assert generation.profile == f"_profile-0-{baseline.profile.bins}"
    assert contents.profile == profile(await rows_of(stages.blobs, 0, 1), baseline.bins)
    assert segment(contents.profile, "carrier", "AA").rows == 2 * ROWS // 3
    assert segment(baseline.profile, "carrier", "AA").rows == 667
    assert (
        baseline.profile.features
        == (await Baselines(stages.blobs, registry).current(await registry.manifest("flights", "1"))).profile.features
    )


async def test_windows_are_evaluated_by_the_configured_segments(watched: Watched) -> None:
    await watched.monitoring().configure("flights", b"segments: [carrier]\nlookback_window_size: PT1H")
    await watched.hour(0, USUAL)

    (evaluation,) = await watched.monitoring().evaluate_all()

    assert evaluation.bins != digest(await bins_of(watched.stages))
    assert verdicts(evaluation)[Signal.DRIFT] is Verdict.OK


@pytest.mark.parametrize(
    ("key", "name"),
    [("segments", "distance"), ("segments", "nothing"), ("features", "distence"), ("features", "delay")],
)
async def test_a_feature_that_no_version_has_is_refused_by_its_name(watched: Watched, key: str, name: str) -> None:
    """Passed over, a misspelt one would switch its signal off, and nobody would hear of it."""
    written = f"{WINDOW.decode()}{key}:\n  - carrier\n  - {name}\n"
    with pytest.raises(
        InvalidDocument, match=rf"line 4: '{name}' is no captured .* of any version - at `\$.{key}\[1\]`"
    ):
        await watched.monitoring().configure("flights", written.encode())

    assert (await watched.stages.blobs.read("models/flights/monitor.yaml")).data == WINDOW


async def test_a_feature_of_any_version_may_be_named(watched: Watched) -> None:
    """The version that has it may come before the one that has not, or after; what is dropped is nothing to be judged."""
    private = registered("flights", "2", privacy=(("distance", Drop()),))
    await watched.stages.registry().register(private.manifest, files=private.files)
    only = registered("private", "1", privacy=(("distance", Drop()),))
    await watched.stages.registry().register(only.manifest, files=only.files)

    config = await watched.monitoring().configure("flights", b"features: [carrier, distance]")

    assert config.features == ("carrier", "distance")
    with pytest.raises(InvalidDocument, match="line 1: 'distance' is no captured feature"):
        await watched.monitoring().configure("private", b"features: [carrier, distance]")


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
async def test_a_metric_that_no_version_has_is_refused_by_line_and_key(watched: Watched, metric: str) -> None:
    """The model answers with a number, which is neither right nor wrong."""
    config = f"features: [distance]\nperformance: {{metric: {metric}}}\n".encode()

    with pytest.raises(InvalidDocument, match=f"line 2: no version has '{metric}': there is mae, r2, rmse - at"):
        await watched.monitoring().configure("flights", config)
