"""What an evaluation says of a window against the baseline, and that it says it again to the byte."""

import hashlib

import pytest

from shared.capture.records import Kind, Shelf
from shared.monitoring.evaluation import Evaluations
from shared.monitoring.window import Window
from shared.profiles.bins import digest
from shared.schema import Coarsen, Drop, Hash, Privacy
from shared.scoring.privacy import Masks
from shared.sealing.hours.hour import read
from shared.sealing.paths import hour_folder
from shared.signals.judgement import Signal, Verdict
from tests.integration.models import registered
from tests.integration.monitoring.conftest import ALONE, FAR, FIRST, ROWS, USUAL, WINDOW, Watched, register
from tests.integration.monitoring.found import NEWEST, bins_of, verdicts
from tests.integration.stored import everything


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


async def test_windows_are_evaluated_by_the_configured_segments(watched: Watched) -> None:
    await watched.monitoring().configure("flights", b"segments: [carrier]\nlookback_window_size: PT1H")
    await watched.hour(0, USUAL)

    (evaluation,) = await watched.monitoring().evaluate_all()

    assert evaluation.bins != digest(await bins_of(watched.stages))
    assert verdicts(evaluation)[Signal.DRIFT] is Verdict.OK


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
