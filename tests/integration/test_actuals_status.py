"""``manage.py actuals --status``, as a user runs it."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from shared import documents
from shared.blobs import Blobs, service
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from tests.integration.actuals.world import NINE, World, actual, prediction
from tests.integration.command_line import environment_of, run
from tests.integration.sealing.batches import id_of
from tests.integration.stored import Calendar
from tests.storage import running_azurite

NOBODYS = prediction(NINE)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Storage of these tests' own, with the containers that the command reads."""
    with running_azurite(tmp_path_factory.mktemp("actuals")) as connection:
        yield connection


@pytest.fixture(scope="module")
def environment(azurite: str) -> dict[str, str]:
    return environment_of(azurite)


@pytest.fixture(scope="module", autouse=True)
async def joined(azurite: str) -> AsyncIterator[None]:
    """Of four predictions three have an actual, one of them corrected; one actual was never found, and one hour waits."""
    blobs = Blobs(service(azurite))
    await blobs.create_containers()
    world = World(blobs, Calendar(NINE.plus(24).start))
    await world.register("1")
    made = [prediction(NINE) for _ in range(4)]
    told = [*(actual(one, 1.0) for one in made[:3]), actual(made[0], 2.0), actual(NOBODYS, 1.0)]
    await world.deliver(NINE, *made)
    await world.deliver(NINE.plus(1), *told)
    await world.seal()
    await world.join()
    world.calendar.set(NINE.plus(24 * 17).start)
    await world.join()
    await world.deliver(NINE.plus(2), actual(made[3], 1.0))
    await world.seal()
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before=NINE.plus(24).key)))
    yield
    await blobs.close()


def test_programs_are_told_what_became_of_actuals(environment: dict[str, str]) -> None:
    code, out, error = run(environment, "actuals", "--status", "flights", "--list", "unknown", "--json")

    assert code == 0, error
    (answer,) = json.loads(out)["models"]
    (version,) = answer.pop("versions")
    (unknown,) = answer.pop("unknown_ids")
    assert answer == {
        "model": "flights",
        "unjoined": 1,
        "received": 5,
        "waiting": 0,
        "unknown": 1,
        "joined": 3,
        "duplicate": 0,
        "corrected": 1,
        "misfit": 0,
        "early": 0,
        "late": 0,
    }
    assert (version["predictions"], version["joined"], version["coverage"]) == (4, 3, 0.75)
    assert 1_800 <= version["delay_s"]["0.50"] <= 1_800 * 1.2
    assert unknown["prediction_id"] == id_of(NOBODYS)


def test_people_are_shown_every_model(environment: dict[str, str]) -> None:
    code, out, error = run(environment, "actuals", "--status", "--list", "unknown")

    assert code == 0, error
    assert "flights: actuals; 1 parts of hours wait to be joined" in out
    assert "3 (75.0%)" in out
    assert id_of(NOBODYS) in out


def test_a_model_that_is_not_registered_has_none(environment: dict[str, str]) -> None:
    code, _, error = run(environment, "actuals", "--status", "trains")

    assert code == 1
    assert "trains" in error


def test_a_model_may_be_said_as_for_a_file(environment: dict[str, str]) -> None:
    """``--status --model trains`` must not answer for every model."""
    code, _, error = run(environment, "actuals", "--status", "--model", "trains")

    assert code == 1
    assert "trains" in error


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ((__file__, "--model", "flights", "--status"), "a file and --status"),
        (("--status", "flights", "--model", "trains"), "say one of them"),
        (("--list", "unknown"), "--list goes with --status"),
    ],
)
def test_what_would_be_passed_over_is_refused(environment: dict[str, str], asked: tuple[str, ...], reason: str) -> None:
    code, _, error = run(environment, "actuals", *asked)

    assert code == 1
    assert reason in error
