"""Hosts of the test app, each a process of its own, and what its functions saw."""

import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Self

from azure.eventhub import EventData, EventHubProducerClient
from azure.storage.blob import ContainerClient

from infra.local.processes import Process

APP = Path(__file__).parent / "app"
PARTITIONS = 2
_HUBS = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)


@dataclass(slots=True)
class Instance:
    """A running host."""

    process: Process
    master: str
    function: str

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.process.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response: HTTPResponse = connection.getresponse()
            return Answer(
                response.status, {name.lower(): text for name, text in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def state(self) -> Any:  # noqa: ANN401 - JSON
        return self.get(f"/admin/host/status?code={self.master}").json

    def partitions(self, function: str) -> set[str]:
        return set(self.state()["partitions"][function])

    def run_timer(self, name: str) -> int:
        return self.request("POST", f"/admin/functions/{name}", headers={"x-functions-key": self.master}).status


@dataclass(slots=True)
class Hubs:
    """An Event Hubs emulator with enough hubs for every test."""

    folder: Path
    port: int
    process: Process

    @classmethod
    def start(cls, folder: Path) -> Self:
        names = [f"hub-{number}" for number in range(_HUBS)]
        entities = [{"Name": name, "PartitionCount": PARTITIONS, "ConsumerGroups": []} for name in names]
        namespace = {"Type": "EventHub", "Name": "tests", "Entities": entities}
        (folder / "Config.json").write_text(json.dumps({"UserConfig": {"NamespaceConfig": [namespace]}}))
        process = cls._run(folder, 0)
        return cls(folder, process.port, process)

    @property
    def connection(self) -> str:
        return (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
        )

    def recreate(self, hub: str) -> None:
        """Delete a hub with all it holds, and create it again under its name."""
        self.process.stop()
        shutil.rmtree(self.folder / "hubs" / hub)
        self.process = self._run(self.folder, self.port)

    @staticmethod
    def _run(folder: Path, port: int) -> Process:
        command = [sys.executable, "-m", "infra.local.eventhubs", "--port", str(port), "--data", str(folder / "hubs")]
        command += ["--config", str(folder / "Config.json")]
        return Process.start("eventhubs", command, log=folder / "hubs.log").wait_for_ready_line()


@dataclass(slots=True)
class Sandbox:
    """One test's app: its own hubs, host id and files, so that tests do not see each other."""

    name: str
    folder: Path
    storage: str
    emulator: Hubs
    hubs: tuple[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)

    @property
    def seen_folder(self) -> Path:
        return self.folder / "seen"

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AzureWebJobsStorage": self.storage,
            "AzureFunctionsWebHost__hostid": self.name,
            "EVENTS": self.emulator.connection,
            "HUB": self.hubs[0],
            "RETRIED_HUB": self.hubs[1],
            "GROUP": "$Default",
            "TICKS": "0 0 0 1 1 *",
            "SEEN": str(self.seen_folder),
            **self.settings,
        }

    def start(self, *options: str, app: Path = APP, python: str = sys.executable, engine: str = "public") -> Instance:
        """Start one more host of the app and wait until it serves."""
        self.seen_folder.mkdir(parents=True, exist_ok=True)
        data = self.folder / "host"
        command = [python, "-m", "infra.local.host", "--port", "0", "--data", str(data), "--app", str(app)]
        command += ["--engine", engine, "--ownership-s", "3", "--lease-s", "15", *options]
        log = self.folder / f"host-{len(self.instances)}.log"
        process = Process.start("host", command, log=log, env=self.environment()).wait_for_ready_line()
        keys = json.loads((data / "keys.json").read_bytes())
        instance = Instance(process, keys["master"], keys["function"])
        self.instances.append(instance)
        return instance

    def tell(self, instruction: str, text: str = "") -> None:
        """Make a function fail (``fail-<name>``) or slow (``slow-<name>``)."""
        self.seen_folder.mkdir(parents=True, exist_ok=True)
        (self.seen_folder / instruction).write_text(text)

    def untell(self, instruction: str) -> None:
        (self.seen_folder / instruction).unlink()

    def seen(self, function: str) -> list[dict[str, Any]]:
        """Return what a function noted, oldest first; a line that is being written is left for later."""
        path = self.seen_folder / f"{function}.jsonl"
        if not path.exists():
            return []
        whole, _, _ = path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def bodies(self, function: str) -> list[str]:
        return [body for note in self.seen(function) for body in note["bodies"]]

    def send(self, hub: str, *bodies: str | bytes, partition: str = "0") -> None:
        with EventHubProducerClient.from_connection_string(self.emulator.connection, eventhub_name=hub) as producer:
            batch = producer.create_batch(partition_id=partition)
            for body in bodies:
                event = EventData(body)
                event.properties = {"kind": "test", "size": len(body)}
                batch.add(event)
            producer.send_batch(batch)

    def checkpoint(self, hub: str) -> int:
        """Return the sequence number of a hub's newest checkpoint, of whichever partition; -1 when there is none."""
        with ContainerClient.from_connection_string(self.storage, "azure-webjobs-eventhub") as container:
            prefix = f"127.0.0.1:{self.emulator.port}/{hub}/$default/checkpoint/"
            blobs = container.list_blobs(prefix, include=["metadata"])
            return max((int(blob.metadata["sequencenumber"]) for blob in blobs), default=-1)

    def close(self) -> None:
        for instance in self.instances:
            instance.process.stop()


@contextmanager
def sandboxes(storage: str, folder: Path) -> Iterator[Callable[[], Sandbox]]:
    """Start an Event Hubs emulator and give a maker of sandboxes; everything is ended at the end."""
    hubs = Hubs.start(folder)
    numbers = itertools.count()
    made: list[Sandbox] = []

    def make() -> Sandbox:
        number = next(numbers)
        # The port makes the name unlike that of another run against the same storage.
        name = f"test-{hubs.port}-{number}"
        mine = (f"hub-{2 * number}", f"hub-{2 * number + 1}")
        made.append(Sandbox(name, folder / f"sandbox-{number}", storage, hubs, mine))
        return made[-1]

    try:
        yield make
    finally:
        for sandbox in made:
            sandbox.close()
        hubs.process.stop()


def wait_until(holds: Callable[[], object], *, timeout_s: float = 20.0) -> None:
    """Wait until ``holds`` says so.

    Raises:
        AssertionError: it did not in time.
    """
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"nothing came of it in {timeout_s:.0f} s"
        time.sleep(0.1)
