"""``manage.py dead``, as a user runs it."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from shared.blobs import Blobs, service
from shared.capture.reading import dead_line
from shared.capture.records import dead_folder
from shared.clock import Clock
from shared.hours import Hour
from shared.registry.store import Registry
from tests.integration.capture.delivery import manifest
from tests.integration.command_line import environment_of, run
from tests.storage import running_azurite
from tests.unit.capture.records import event, record

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LOG = f"{dead_folder(Hour.containing(AT))}20260301T000000000-p3-r0.jsonl"


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Storage of these tests' own: the command goes through every dead letter there is."""
    with running_azurite(tmp_path_factory.mktemp("dead")) as connection:
        yield connection


@pytest.fixture(scope="module")
def environment(azurite: str) -> dict[str, str]:
    return environment_of(azurite)


@pytest.fixture(scope="module", autouse=True)
async def letters(azurite: str) -> AsyncIterator[None]:
    """A letter that cannot be read, one of a version that is not registered, and two of one that is by now."""
    blobs = Blobs(service(azurite))
    await blobs.create_containers()
    await Registry(blobs, Clock.standing(AT)).register(manifest("flights", "1"), files={})
    await blobs.create_log(LOG)
    bodies = [(b"?", False), (record(model="trains"), True), (record(n=1), True), (record(n=2), True)]
    lines = [
        dead_line(
            body,
            event(body, sequence=number),
            partition="3",
            index=0,
            reason="its model or version is not registered" if readable else "it is not JSON",
            readable=readable,
            part=False,
        )
        for number, (body, readable) in enumerate(bodies)
    ]
    await blobs.append(LOG, b"".join(lines), position=0)
    yield
    await blobs.close()


def dead(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    return run(environment, "dead", *arguments)


def test_programs_are_given_every_letters_place_and_no_record(environment: dict[str, str]) -> None:
    code, out, error = dead(environment, "list", "--json")

    assert code == 0, error
    answer = json.loads(out)
    assert [(one["sequence"], one["replayable"]) for one in answer["letters"]] == [
        (0, False),
        (1, True),
        (2, True),
        (3, True),
    ]
    assert {(one["log"], one["partition"], one["index"]) for one in answer["letters"]} == {(LOG, 3, 0)}
    assert answer["letters"][0]["size_bytes"] == 1
    assert answer["counts"][0] == {
        "kind": "prediction",
        "model": "flights",
        "version": "1",
        "reason": "its model or version is not registered",
        "replayable": True,
        "letters": 2,
    }
    assert "0195d2b4" not in out


def test_people_are_shown_counts_by_reason(environment: dict[str, str]) -> None:
    code, out, error = dead(environment, "list", "--from", "2026-03-01T09", "--to", "2026-03-01T10")

    assert code == 0, error
    assert "not JSON" in out
    assert "flights" in out


def test_an_hour_without_letters_is_said_to_be(environment: dict[str, str]) -> None:
    assert "no dead letters" in dead(environment, "list", "--from", "2026-03-01T10")[1]


def test_a_dry_run_says_what_would_be_sent_and_what_stays(environment: dict[str, str]) -> None:
    code, out, error = dead(environment, "replay", "--dry-run", "--json")
    _, shown, _ = dead(environment, "replay", "--dry-run")

    assert code == 0, error
    assert json.loads(out) == {
        "sent": False,
        "records": 2,
        "events": 1,
        "not_registered": [{"kind": "prediction", "model": "trains", "version": "1", "letters": 1}],
        "not_replayable": 1,
    }
    assert "2 records in 1 events would be sent" in shown
    assert "trains 1 is not registered" in shown


def test_a_hub_that_is_away_is_named(environment: dict[str, str]) -> None:
    code, _, error = dead(environment, "replay", "--json")

    assert code == 1
    assert json.loads(error)["error"] == "events_unavailable"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "COMMAND"),
        (("list", "--from", "nine"), "is no hour"),
        (("list", "--from", "2026-03-01T09", "--to", "2026-03-01T09"), "--to is not after --from"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_why(
    environment: dict[str, str], arguments: tuple[str, ...], says: str
) -> None:
    code, _, error = dead(environment, *arguments)

    assert code != 0
    assert says in error
    assert "Traceback" not in error
