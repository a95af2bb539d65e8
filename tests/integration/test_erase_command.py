"""``manage.py erase``, as a user runs it."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from shared import documents
from shared.blobs import Blobs, service
from shared.capture.reading import dead_line
from shared.capture.records import dead_folder
from shared.clock import Clock
from shared.erasing.tombstone import Erasure, erasure_path
from shared.hours import Hour
from shared.registry.store import Registry
from shared.sealing.days.day import DayAccount, ShelfAccount
from shared.sealing.paths import account_path
from tests.integration.command_line import environment_of, run
from tests.integration.erasing.found import holding
from tests.integration.models import registered
from tests.integration.sealing.batches import prediction
from tests.storage import running_azurite
from tests.unit.capture.records import event

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
KEPT = f"{dead_folder(Hour.containing(AT))}kept-abc.jsonl"


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Storage of these tests' own: the command goes through everything there is."""
    with running_azurite(tmp_path_factory.mktemp("erase")) as connection:
        yield connection


@pytest.fixture(scope="module")
def environment(azurite: str) -> dict[str, str]:
    return environment_of(azurite)


@pytest.fixture(scope="module", autouse=True)
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    """Two records that were set aside, one of them of the subject."""
    made = Blobs(service(azurite))
    await made.create_containers()
    version = registered("flights", "1")
    await Registry(made, Clock.standing(AT)).register(version.manifest, files=version.files)
    letters = [
        dead_line(
            prediction(AT, external_id=whose),
            event(b"", sequence=number),
            partition="0",
            index=0,
            reason="it had no place",
            readable=True,
        )
        for number, whose in enumerate(("zoe", "adam"))
    ]
    await made.create(KEPT, b"".join(letters))
    yield made
    await made.close()


async def test_it_says_what_would_go_and_then_takes_it(environment: dict[str, str], blobs: Blobs) -> None:
    asked = ("erase", "--model", "flights", "--external-id", "zoe")

    code, told, _ = run(environment, *asked, "--dry-run")
    assert (code, told.splitlines()[0].split()) == (0, ["dead", "letters", "1", "would", "go"])
    assert (await holding(blobs, "zoe"))["zoe"]

    code, told, _ = run(environment, *asked, "--json")
    assert code == 0
    assert json.loads(told)["rows"] == {"dead letters": 1}
    found = await holding(blobs, "zoe", "adam")
    assert [bool(paths) for paths in found.values()] == [False, True]

    code, told, _ = run(environment, *asked)
    assert (code, told.splitlines()[0]) == (0, "nothing is stored of this subject")


@pytest.mark.parametrize(
    ("asked", "given"),
    [(("--external-id", "-"), "adam"), (("--feature", "carrier", "--value", "-"), "AA")],
)
def test_who_it_is_can_be_given_where_no_shell_remembers_it(
    environment: dict[str, str], asked: tuple[str, ...], given: str
) -> None:
    command = ("erase", "--model", "flights", *asked, "--dry-run", "--json")

    code, told, _ = run(environment, *command, given=f"{given}\n")
    assert code == 0
    assert "dead letters" in json.loads(told)["rows"]

    code, _, told = run(environment, *command)
    assert code == 1
    assert "standard input" in told


async def test_it_says_of_which_time_ids_are_not_known_any_more(environment: dict[str, str], blobs: Blobs) -> None:
    """Nobody may take for gone what could not be looked for."""
    gone = ShelfAccount(account=(), rows=0, doubles=0, unreadable=0, imported=0, is_let_go=True)
    stays = msgspec.structs.replace(gone, is_let_go=False)
    shelf, other = (f"kind=prediction/model={model}/version=1" for model in ("flights", "trains"))
    accounts = {"2026-01-30": {shelf: gone}, "2026-01-31": {shelf: gone}, "2026-02-01": {shelf: stays, other: gone}}
    asked = ("erase", "--model", "flights", "--external-id", "nobody", "--dry-run")
    before = run(environment, *asked)[1]
    for date, shelves in accounts.items():
        await blobs.create(account_path(date), documents.encode(DayAccount(date=date, shelves=shelves)))

    _, told, _ = run(environment, *asked)

    for date in accounts:
        await blobs.delete(account_path(date))
    assert "let go" not in before
    assert "hours up to 2026-01-31 were let go" in told


async def test_one_that_is_not_done_is_named_without_whose_it_is(environment: dict[str, str], blobs: Blobs) -> None:
    path = erasure_path("begun")
    begun = Erasure(model="flights", by="carrier", began_at=AT, salt="00" * 16, check="of somebody")
    await blobs.create(path, documents.encode(begun))

    code, told, _ = run(environment, "erase", "--status")
    await blobs.delete(path)

    assert code == 1
    assert told.splitlines() == [
        "begun 2026-03-01 09:30 UTC: flights by carrier, 0 rows so far",
        "run the command of each again",
    ]
    assert run(environment, "erase", "--status")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--model", "flights"), "who is to be erased?"),
        (("--model", "flights", "--feature", "carrier"), "--feature and --value go together"),
        (("--model", "flights", "--feature", "name", "--value", "zoe"), "no version of the model has such a feature"),
        (("--model", "trains", "--external-id", "zoe"), "trains"),
    ],
)
def test_what_names_nobody_is_refused(environment: dict[str, str], arguments: tuple[str, ...], reason: str) -> None:
    code, _, told = run(environment, "erase", *arguments)

    assert code == 1
    assert reason in told
