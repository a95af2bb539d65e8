"""``manage.py actuals``, as a user runs it."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.entities import Config, HubConfig, NamespaceConfig, UserConfig
from infra.local.processes import HERE
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.registry.store import Registry
from tests.integration.capture.delivery import HUB, manifest, received
from tests.integration.command_line import environment_of, run
from tests.storage import running_azurite

CONFIG = Config(UserConfig((NamespaceConfig("emulatorNs1", (HubConfig(HUB, 1),)),)))
AT = "2026-03-01T09:30:00Z"


@pytest.fixture(scope="module")
async def storage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Storage of these tests' own, with version 1 of ``flights``, which answers with numbers."""
    with running_azurite(tmp_path_factory.mktemp("told")) as connection:
        blobs = Blobs(service(connection))
        await blobs.create_containers()
        await Registry(blobs, Clock.real()).register(manifest("flights", "1"), files={})
        await blobs.close()
        yield connection


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Emulator]:
    async with Emulator(CONFIG, tmp_path / "hub") as running:
        yield running


@pytest.fixture
def environment(storage: str, emulator: Emulator) -> dict[str, str]:
    return {**environment_of(storage), "EVENTS": emulator.connection_string(), "EVENTS_HUB": HUB}


def written(folder: Path, values: Sequence[object], *, at: str = AT) -> Path:
    """Write an actual for each value."""
    path = folder / "told.csv"
    rows = "".join(f"AA{number},{value},{at}\n" for number, value in enumerate(values))
    path.write_text(f"external_id,value,at\n{rows}")
    return path


async def tell(environment: dict[str, str], path: Path, *options: str) -> tuple[int, str, str]:
    """Run the command beside the hub, which lives in this process."""
    return await asyncio.to_thread(run, environment, "actuals", str(path), "--model=flights", *options)


async def records(emulator: Emulator, *, events: int) -> list[dict[str, Any]]:
    found = await received(emulator.connection_string(), expected=events)
    return [json.loads(line) for event in found for line in event.body_as_str().split("\n")]


async def test_one_bad_row_among_ten_thousand_loses_nothing_else(
    environment: dict[str, str], emulator: Emulator, tmp_path: Path
) -> None:
    path = written(tmp_path, ["late" if number == 4_711 else number / 2 for number in range(10_000)])

    refused = await tell(environment, path)
    code, out, error = await tell(environment, path, "--skip-bad", "--json")

    assert refused[0] == 1
    assert "4711" in refused[1]
    assert "1 of 10,000 rows do not fit" in refused[1]
    assert "nothing was sent" in refused[1]
    assert code == 0, error
    assert json.loads(out) == {
        "rows": 9_999,
        "bad_rows": 1,
        "untold": 0,
        "misfits": [{"row": 4_711, "feature": "value", "reason": "a number is wanted, not a text"}],
        "sent": 9_999,
        "kept": {"acked": 9_999},
        "not_tried": 0,
    }
    told = {one["external_id"]: one["value"] for one in await records(emulator, events=5)}
    assert told == {f"AA{number}": number / 2 for number in range(10_000) if number != 4_711}


async def test_people_are_told_how_many_were_kept_and_how(
    environment: dict[str, str], emulator: Emulator, tmp_path: Path
) -> None:
    code, out, error = await tell(environment, written(tmp_path, [1, "", 2.5]))

    assert code == 0, error
    assert out.splitlines() == [
        "1 rows have no value: nothing has turned out of them yet",
        "2 rows fit",
        "2 actuals are in Event Hubs",
    ]
    assert [one["value"] for one in await records(emulator, events=1)] == [1.0, 2.5]


async def test_a_dry_run_looks_at_every_row_and_needs_no_hub(storage: str, tmp_path: Path) -> None:
    environment = environment_of(storage)

    fine = await tell(environment, written(tmp_path, [1, 2]), "--dry-run", "--json")
    bad = await tell(environment, written(tmp_path, [1, "late"]), "--dry-run", "--json")

    assert fine[0] == 0, fine[2]
    assert json.loads(fine[1]) == {"rows": 2, "bad_rows": 0, "untold": 0, "misfits": []}
    assert (bad[0], json.loads(bad[1])["bad_rows"]) == (1, 1)


async def test_while_the_hub_is_away_actuals_wait_in_storage(storage: str, tmp_path: Path) -> None:
    code, out, error = await tell({**environment_of(storage), "CAPTURE_TIMEOUT_S": "2"}, written(tmp_path, [1, 2]))

    assert code == 0, error
    assert "2 actuals wait in storage" in out


async def test_with_capture_off_nothing_is_kept_which_is_a_failure(storage: str, tmp_path: Path) -> None:
    """Somebody sends a file for it to be there."""
    environment = {**environment_of(storage), "CAPTURE": "false"}

    code, out, _ = await tell(environment, written(tmp_path, [1, 2]), "--json")

    assert code == 1
    assert json.loads(out)["kept"] == {"off": 2}


async def test_an_interrupt_is_one_line_and_what_was_under_way_is_kept(storage: str, tmp_path: Path) -> None:
    """A hub that answers nobody is where a command is found waiting; what it holds goes to the spool."""
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    away = environment_of(storage)
    environment = {**away, "EVENTS": away["EVENTS"].replace("127.0.0.1:1;", f"127.0.0.1:{port};")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "manage.py",
        "actuals",
        str(written(tmp_path, [3, 4])),
        "--model=flights",
        cwd=HERE,
        env={**environment, "CAPTURE_TIMEOUT_S": "2"},
        stderr=subprocess.PIPE,
    )
    await asyncio.wait_for(reached.wait(), 60.0)
    process.send_signal(signal.SIGINT)
    _, error = await process.communicate()
    server.close()
    blobs = Blobs(service(storage))
    spooled = [(await blobs.read(one.path)).data async for one in blobs.under("captures/spool/")]
    await blobs.close()

    assert process.returncode == 130
    assert error.decode().splitlines()[-1] == "interrupted: nothing is half done; run it again"
    assert "Traceback" not in error.decode()
    assert any(b'"value":3' in one and b'"value":4' in one for one in spooled)


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("external_id,value,at\n", ("--prediction-id=a", "--external-id=b"), "not allowed with argument"),
        ("external_id,value,at\n", ("--model=trains",), "model 'trains' is not registered"),
        ("external_id,at\n", (), "'value': the file has no such column"),
        ("prediction_id,external_id,value,at\n", (), "the file has both prediction_id and external_id"),
        ("", (), "neither prediction_id nor external_id"),
        ("external_id,value,at\na,1\n", (), "told.csv cannot be read"),
    ],
)
async def test_what_cannot_be_is_said_in_one_line(
    storage: str, tmp_path: Path, content: str, options: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "told.csv"
    path.write_text(content)

    code, _, error = await tell(environment_of(storage), path, *options)

    assert code != 0
    assert says in error
    assert "Traceback" not in error


async def test_a_file_that_is_no_parquet_is_named(storage: str, tmp_path: Path) -> None:
    path = tmp_path / "told.parquet"
    path.write_bytes(b"?")

    code, _, error = await tell(environment_of(storage), path)

    assert code == 1
    assert f"{path} cannot be read" in error
    assert "Traceback" not in error
