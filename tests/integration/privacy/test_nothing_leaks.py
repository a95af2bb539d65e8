"""What is private about people is nowhere, whichever way it went in."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from infra.local.system import HUB, System
from shared.blobs import Blobs, service
from shared.capture.hub import Hub, producer
from shared.clock import Clock
from shared.hours import Hour
from shared.ids import uuid7
from shared.monitoring.evaluation import Evaluations
from tests.flying import BEGIN, QUICK, SCHEDULES, manage
from tests.integration.capture.delivery import outgoing
from tests.integration.privacy import people, search
from tests.integration.privacy.people import KEPT, PLANTED, PLANTED_DIGITS, person

SMUGGLED = "smuggled"
"""In what somebody else sent to the hub: that holds it, and nothing after it may."""
HOUR_S = 2.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose hours pass quickly, with a version that drops, hashes and coarsens."""
    folder = tmp_path_factory.mktemp("private")
    clock = Clock.starting(BEGIN.start, speed=3_600 / HOUR_S)
    with System.in_folder(folder / "system", clock=clock, settings=SCHEDULES, host_options=QUICK) as running:
        manage(running, "register", "people", "1", *people.files(folder / "given"), *people.PRIVACY)
        manage(running, "promote", "people", "1")
        yield running


Post = Callable[[str, object], Any]


@pytest.fixture
async def post(system: System) -> AsyncIterator[Post]:
    async with aiohttp.ClientSession(headers={"x-functions-key": system.key()}) as session:

        async def send(path: str, body: object) -> int:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            async with session.post(f"{system.url}/api/models/{path}", data=data) as response:
                await response.read()
                return response.status

        yield send


REQUESTS: list[tuple[str, object, int]] = [
    ("people/score", {"data": [person(10), person(11)], "external_ids": ["a", "b"]}, 200),
    ("people/versions/1/score", {"inputs": {name: [value] for name, value in person(12).items()}}, 200),
    ("people/score", {"data": [person(13, steps="two")]}, 422),
    ("people/score", {"data": [person(14, income=f"{PLANTED} income", name=float(f"{PLANTED_DIGITS}14.5"))]}, 422),
    ("people/score", {"data": [person(15, name=f"{PLANTED} " * 200)]}, 422),
    ("people/score", {"data": [person(16, **{f"{PLANTED} feature": f"{PLANTED} value"})]}, 422),
    ("people/score", {"data": [list(person(17).values())[:-1]]}, 422),
    ("people/score", {"data": [person(18)], f"{PLANTED} member": f"{PLANTED} value"}, 400),
    ("people/score", json.dumps({"data": [person(19)]}).encode()[:-2], 400),
    ("people/score", b'{"%s": 1, "%s": 2}' % (PLANTED.encode(), PLANTED.encode()), 400),
    ("people/score", {"data": [person(20)] * 1_001}, 413),
    ("people/score", {"data": [person(21, factor=1.0)]}, 500),
    ("nobody/score", {"data": [person(22)]}, 404),
    ("people/versions/9/score", {"data": [person(23)]}, 404),
    (
        "people/actuals",
        [
            {"external_id": "a", "value": 1},
            {"external_id": "b", "value": 1, "income": person(24)["income"]},
            {"external_id": "b", "value": 1, f"{PLANTED} member": 1},
            person(25),
        ],
        200,
    ),
    ("people/actuals", person(26), 400),
]


async def test_what_is_private_is_nowhere_and_what_is_not_is_found(system: System, post: Post) -> None:
    """In every container, decoded; in telemetry, in webhooks' messages, in the logs, and on the disks of all of them."""
    statuses = [await post(path, body) for path, body, _ in REQUESTS]
    assert statuses == [status for _, _, status in REQUESTS]
    await _send_what_cannot_be_kept(system, await _captured_line(system))
    await _evaluated(system, post)
    await asyncio.to_thread(system.process("host").stop)
    blobs = await search.blobs(system.settings["STORAGE"])
    disks = search.files(system.folder)

    searched = blobs | disks
    told = {path: data for path, data in searched.items() if not path.startswith("eventhubs/")}
    for token, where in ((PLANTED, searched), (PLANTED_DIGITS, searched), (SMUGGLED, told)):
        assert [path for path, data in where.items() if token.encode() in data] == [], token
    _assert_was_searched(blobs, disks)


def _assert_was_searched(blobs: dict[str, bytes], disks: dict[str, bytes]) -> None:
    """A search that finds nothing proves nothing unless it finds what is there, in every form that anything is stored in."""
    plain = {path for path, data in blobs.items() if KEPT.encode() in data}
    for wanted in (
        r"models/people/1/manifest\.json",
        r"models/people/1/baselines/1/_bins",
        r"models/people/1/baselines/1/rows\.parquet",
        r"captures/logs/kind=prediction/model=people/.*\.jsonl",
        r"captures/hours/kind=prediction/model=people/.*/rows-0\.parquet",
        r"captures/dead/.*\.jsonl",
    ):
        assert [path for path in plain if re.fullmatch(wanted, path)], wanted
    rows = b"".join(data for path, data in blobs.items() if path.startswith("captures/hours/kind=prediction"))
    assert re.search(rb'"name": "[0-9a-f]{32}"', rows)
    assert b'"postcode": "SW1"' in rows
    assert b'"income": 735000000000.0' in rows
    assert b'"note"' not in rows
    assert any(path.startswith("monitoring/evaluations/") for path in blobs)
    assert any(path.startswith("captures/logs/kind=failure/") for path in blobs)
    assert KEPT.encode() in b"".join(data for path, data in disks.items() if path.startswith("eventhubs/"))
    telemetry = disks["sinks/telemetry.jsonl"]
    assert all(f"score {name}".encode() in telemetry for name in ("people:1", "_unknown:_none"))
    dead = b"".join(data for path, data in blobs.items() if path.startswith("captures/dead/"))
    assert dead.count(b'"reason"') == 6
    assert b"hour sealed" in disks["host.log"]


async def _captured_line(system: System) -> dict[str, Any]:
    """Return a prediction as it stands in an hour log."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        for path, data in (await search.blobs(system.settings["STORAGE"])).items():
            if path.startswith("captures/logs/kind=prediction/") and data:
                line: dict[str, Any] = json.loads(data.splitlines()[0])
                return line
        await asyncio.sleep(0.2)
    raise AssertionError(f"nothing was captured:\n{system.log('host')[-3000:]}")


async def _send_what_cannot_be_kept(system: System, line: dict[str, Any]) -> None:
    """Send events that end as dead letters: those of others, and records of a version, or of a type, that is not there."""
    place = ("partition", "sequence", "index", "lines", "enqueued_at")
    record = {name: value for name, value in line.items() if name not in place}
    gone = {**record, "id": uuid7(system.clock.now()), "version": "9"}
    unfit = {**record, "id": uuid7(system.clock.now()), "inputs": {"steps": "two"}}
    bodies = [
        SMUGGLED.encode(),
        json.dumps({SMUGGLED: 1}).encode(),
        json.dumps({**record, "id": SMUGGLED}).encode(),
        json.dumps({**record, "kind": SMUGGLED}).encode(),
        json.dumps(gone).encode(),
        json.dumps(unfit).encode(),
    ]
    hub = Hub(producer(system.settings["EVENTS"], namespace="", hub=HUB))
    try:
        await hub.send(outgoing(*bodies), timeout_s=10.0)
    finally:
        await hub.close()


async def _evaluated(system: System, post: Post) -> None:
    """Go on scoring until what was sent before is sealed, and has been compared with its baseline."""
    until = Hour.containing(system.clock.now()).key
    blobs = Blobs(service(system.settings["STORAGE"]))
    deadline = time.monotonic() + 90.0
    try:
        while await Evaluations(blobs).evaluated_until("people", "1") <= until:
            assert time.monotonic() < deadline, f"not evaluated in time:\n{system.log('host')[-3000:]}"
            rows = [person(30 + row) for row in range(60)]
            assert await post("people/score", {"data": rows}) == 200
            await asyncio.sleep(HOUR_S / 8)
    finally:
        await blobs.close()
