"""Every kind of function, loaded and run by the library of the real Python worker."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.processes import NotReady
from shared.clock import Clock
from tests.integration.host.system import Instance, Sandbox, wait_until

ALL = {"0", "1"}


@pytest.fixture(scope="module")
def sandbox(worker_python: Path, make_sandbox: Callable[[], Sandbox]) -> Iterator[Sandbox]:
    """Return an app that the worker's library runs, with a fast calendar."""
    box = make_sandbox()
    clock = Clock.starting(datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC), speed=120.0)
    box.settings |= {"TICKS": "0 * * * * *", "CLOCK": str(clock)}
    host = box.start(python=str(worker_python), engine="auto")
    wait_until(lambda: host.partitions("captured") == ALL and host.partitions("retried") == ALL)
    yield box
    box.close()


@pytest.fixture(scope="module")
def host(sandbox: Sandbox) -> Instance:
    return sandbox.instances[0]


def test_the_worker_library_is_what_python_3_13_gets(host: Instance) -> None:
    assert host.state()["engine"] == "worker"


def test_an_async_http_function_gets_the_whole_request(host: Instance) -> None:
    headers = {"x-functions-key": host.function, "X-Sent": "so"}

    answer = host.request("POST", "/api/echo/a%20b/7?x=1&x=2", body=b"\xff\x00body", headers=headers)

    assert answer.status == 201
    assert answer.headers["x-kept"] == "yes"
    assert answer.headers["set-cookie"] == "a=b; Path=/"
    told = answer.json
    assert told["route_params"] == {"name": "a b", "number": "7"}
    assert told["params"] == {"x": "1,2"}
    assert told["header"] == "so"
    assert told["body"] == "\xff\x00body"
    assert told["function"] == "echo"
    assert told["invocation"]


def test_http_functions_that_are_not_async_answer_too(host: Instance) -> None:
    assert host.get("/api/same").body == b"read by GET"
    assert host.request("PUT", "/api/same", body=bytes(range(256))).body == bytes(range(256))


def test_keys_and_failures_are_the_hosts_business(host: Instance) -> None:
    assert host.get("/api/echo/a").status == 401
    assert host.get("/api/broken").status == 500
    assert host.get("/api/broken").body == b""
    assert host.get("/api/slow?seconds=30").status == 500


def test_a_batch_is_handed_over_with_what_the_hub_knows_of_it(sandbox: Sandbox) -> None:
    sandbox.send(sandbox.hubs[0], "one", "two", partition="1")

    wait_until(lambda: sandbox.bodies("captured") == ["one", "two"])
    (note,) = sandbox.seen("captured")
    assert note["sequence"] == [0, 1]
    assert len(note["enqueued"]) == 2
    assert note["metadata"]["PartitionContext"]["PartitionId"] == "1"
    assert note["metadata"]["PropertiesArray"] == [{"kind": "test", "size": 3}] * 2


def test_a_failed_batch_is_run_again_by_its_retry_policy(sandbox: Sandbox) -> None:
    """The policy and the retry count pass through the library, not through our own reading of the app."""
    sandbox.tell("fail-retried")
    sandbox.send(sandbox.hubs[1], b"\xff")
    wait_until(lambda: len(sandbox.seen("retried")) >= 2)

    sandbox.untell("fail-retried")
    sandbox.send(sandbox.hubs[1], b"\xfe")

    wait_until(lambda: "fe" in sandbox.bodies("retried"))
    attempts = [note["retry"] for note in sandbox.seen("retried") if note["bodies"] == ["ff"]]
    assert attempts == list(range(len(attempts)))


def test_a_timer_gets_its_status(sandbox: Sandbox) -> None:
    wait_until(lambda: len(sandbox.seen("ticking")) >= 3)

    assert [run["past_due"] for run in sandbox.seen("ticking")][:3] == [False] * 3
    assert datetime.fromisoformat(sandbox.seen("ticking")[1]["status"]["Next"]).second == 0
    assert sandbox.seen("starting")[0]["past_due"] is False


def test_what_the_library_cannot_load_stops_the_start(
    worker_python: Path, make_sandbox: Callable[[], Sandbox], tmp_path: Path
) -> None:
    """The same annotation is refused by the public engine, so that it never gets as far as Azure."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.event_hub_message_trigger(arg_name='e', event_hub_name='h', connection='EVENTS',"
        " cardinality=func.Cardinality.MANY)\n"
        "def f(e: list[func.EventHubEvent]) -> None: ...\n"
    )

    with pytest.raises(NotReady, match="invalid non-type annotation"):
        make_sandbox().start(app=tmp_path, python=str(worker_python), engine="worker")
