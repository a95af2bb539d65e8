"""``manage.py dataset queue``: what it asks for is filled in, and sent back."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.cli.dataset_queue import write
from shared.monitor_config import monitor_config_path
from shared.retraining.challenging import challenges_folder
from tests.integration.actuals.world import NINE, actual
from tests.integration.command_line import run
from tests.integration.datasets.conftest import ROWS, Kept, kept_in
from tests.integration.sealing.batches import id_of

KNOWN = 12
COLUMNS = [
    "prediction_id",
    "external_id",
    "at",
    "version",
    "prediction",
    "reasons",
    "score",
    "distance",
    "carrier",
    "value",
]


@pytest.fixture(scope="module")
async def kept(storage: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kept]:
    """Two hours of the champion, the second with eight rows that wait; a challenger was asked about some of either."""
    async with kept_in(storage, tmp_path_factory.mktemp("scratch")) as made:
        await made.hour(0)
        await made.hour(1, known=KNOWN)
        await made.sealed(3)
        await challenged(made, {5: 40.0, ROWS + 15: 40.0, ROWS + 17: 0.0, ROWS + 18: -3.0})
        yield made


async def challenged(made: Kept, apart: dict[int, float]) -> None:
    """Store how far a challenger's answers to some predictions are from the champion's."""
    ours = [json.loads(made.made[place])["outputs"]["prediction"] for place in apart]
    table = pa.table(
        {
            "_id": [id_of(made.made[place]) for place in apart],
            "_hour": [NINE.plus(place // ROWS).key for place in apart],
            "_weight": pa.array([1] * len(apart), pa.int32()),
            "_champion": ours,
            "prediction": [one + far for one, far in zip(ours, apart.values(), strict=True)],
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    await made.blobs.create(f"{challenges_folder('flights')}version=2/{NINE.key}.parquet", buffer.getvalue())


def queued(environment: dict[str, str], *options: str) -> dict[str, Any]:
    code, out, error = run(environment, "dataset", "queue", "flights", "--json", *options)
    assert code == 0, error
    found: dict[str, Any] = json.loads(out)
    return found


async def test_what_is_disagreed_on_is_asked_for_unless_it_turned_out(environment: dict[str, str], kept: Kept) -> None:
    """It says what nothing is known of: a regressor does not say how sure it is."""
    found = queued(environment)

    by_id = {one["prediction_id"]: one for one in found["rows"]}
    waiting = [id_of(one) for one in kept.made[ROWS + KNOWN :]]
    assert found["unknown"] == ["uncertain"]
    assert by_id.keys() <= {*waiting}
    assert "disagreed 9" in by_id[id_of(kept.made[ROWS + 15])]["reasons"]
    assert "disagreed" not in by_id.get(id_of(kept.made[ROWS + 17]), {"reasons": ""})["reasons"]
    assert found["rows"][0]["prediction_id"] == id_of(kept.made[ROWS + 15])
    assert [one["score"] for one in found["rows"]] == sorted((one["score"] for one in found["rows"]), reverse=True)
    assert queued(environment, "--rows", "1")["rows"] == found["rows"][:1]
    assert queued(environment) == found


async def test_hours_that_are_not_looked_at_are_not_asked_for(environment: dict[str, str], kept: Kept) -> None:
    before = queued(environment, "--to", NINE.plus(1).key)
    after = queued(environment, "--from", NINE.plus(1).key)

    assert (before["rows"], before["unknown"]) == ([], ["uncertain"])
    assert after["rows"][0]["prediction_id"] == id_of(kept.made[ROWS + 15])


async def test_what_is_not_due_yet_is_not_asked_for(environment: dict[str, str], kept: Kept) -> None:
    """Sealed is everything up to twelve o'clock; an actual that takes two hours is due of what was asked before ten."""
    waiting = id_of(kept.made[ROWS + 15])
    measured = queued(environment)
    path = monitor_config_path("flights")
    etag = await kept.blobs.create(path, b"actuals_delay: PT2H\n")
    stated = queued(environment)
    said = run(environment, "dataset", "queue", "flights")[1]
    further = queued(environment, "--to", NINE.plus(2).key)
    nothing = run(environment, "dataset", "queue", "flights", "--from", NINE.plus(1).key)
    longer = b"actuals_delay: P2D\n"
    await kept.blobs.replace(path, longer, etag=etag)
    none = run(environment, "dataset", "queue", "flights")
    await kept.blobs.delete(path)

    assert 1_800 <= measured["actuals_delay_s"] <= 3_600
    assert (measured["end"], stated["end"], further["end"]) == (NINE.plus(2).key, NINE.plus(1).key, NINE.plus(2).key)
    assert stated["rows"] == []
    assert "actuals take 2.0 hours, so those of predictions from 2026-03-01T10 on are not due yet; --to looks" in said
    assert waiting in {one["prediction_id"] for one in further["rows"]}
    assert (nothing[0], "nothing since 2026-03-01T10 is due: actuals take 2.0 hours" in nothing[2]) == (1, True)
    assert (none[0], "there is no prediction to look at: actuals take 2.0 days" in none[2]) == (1, True)


@pytest.mark.usefixtures("kept")
async def test_hours_that_end_before_they_begin_are_refused(environment: dict[str, str]) -> None:
    code, _, error = run(environment, "dataset", "queue", "flights", "--from", NINE.key, "--to", NINE.key)

    assert (code, error) == (1, "--to is not after --from: no hour would be looked at\n")


@pytest.mark.usefixtures("kept")
async def test_the_file_is_filled_in_and_goes_back_as_actuals(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    code, said, error = run(environment, "dataset", "queue", "flights", "--out", str(path))
    assert code == 0, error
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    unfilled = run(environment, "actuals", str(path), "--model=flights", "--prediction-id=prediction_id", "--dry-run")

    rows[0]["value"] = "12.5"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (command,) = [line.partition("manage.py ")[2] for line in said.splitlines() if "manage.py actuals" in line]
    sent, out, why = run(environment, *command.split(), "--json")

    assert [*rows[0]] == COLUMNS
    assert (unfilled[0], f"{len(rows)} rows have no value" in unfilled[1]) == (0, True)
    assert sent == 0, why
    told = json.loads(out)
    assert (told["sent"], told["untold"], told["bad_rows"]) == (1, len(rows) - 1, 0)


async def test_what_has_turned_out_since_is_not_asked_for_again(environment: dict[str, str], kept: Kept) -> None:
    (asked,) = queued(environment, "--rows", "1")["rows"]
    await kept.world.deliver(NINE.plus(3), actual(asked["prediction_id"], 12.5, at=NINE.plus(3)))
    await kept.sealed(4)

    again = queued(environment)

    assert asked["prediction_id"] not in {one["prediction_id"] for one in again["rows"]}


@pytest.mark.usefixtures("kept")
async def test_jsonl_is_the_same_rows(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"

    found = queued(environment, "--out", str(path))

    assert [json.loads(line) for line in path.read_text().splitlines()] == found["rows"]


def test_a_text_that_a_spreadsheet_would_calculate_is_a_text_in_the_file(tmp_path: Path) -> None:
    """Callers wrote those texts, and whoever fills the file in opens it in a spreadsheet."""
    path = tmp_path / "queue.csv"

    write([{"carrier": '=HYPERLINK("x")', "distance": -1.0, "night": True}], ["carrier", "distance", "night"], path)

    assert path.read_text().splitlines() == ["carrier,distance,night", '"\'=HYPERLINK(""x"")",-1.0,true']


@pytest.mark.parametrize(
    ("options", "reason"),
    [(["--rows", "0"], "is no number, 1 or more"), (["--out", "queue.xlsx"], "is neither .csv nor .jsonl")],
)
def test_what_cannot_be_meant_is_refused(environment: dict[str, str], options: list[str], reason: str) -> None:
    code, _, error = run(environment, "dataset", "queue", "flights", *options)

    assert code == 2
    assert reason in error
