"""The whole system on one machine: Azurite, the Event Hubs emulator, the sinks and the functions host.

Everything it keeps is in one folder. Ports are chosen once and kept there, because checkpoints are filed by the hub's
address; so is the clock's anchor, so that time goes on where it was however often a process is started.
"""

import asyncio
import base64
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Self, TypeVar

from infra.local import azurite
from infra.local.processes import Process, free_port, is_free, signals_held
from shared.blobs import Blobs, service
from shared.clock import Clock

V = TypeVar("V")

HUB: Final = "driftline"
CONSUMER_GROUP: Final = "capture"
WEBHOOK: Final = "alerts"

_SCHEDULES: Final = {
    "SEAL_SCHEDULE": "0 */5 * * * *",
    "DRAIN_SCHEDULE": "*/30 * * * * *",
    "ACCOUNT_SCHEDULE": "0 */15 * * * *",
    "JOIN_SCHEDULE": "0 */5 * * * *",
    "MONITOR_SCHEDULE": "0 */10 * * * *",
    "DECIDE_SCHEDULE": "0 5 * * * *",
    "DATASETS_SCHEDULE": "20 * * * * *",
    "DELIVER_SCHEDULE": "*/30 * * * * *",
}


@dataclass(slots=True)
class System:
    """A system in ``folder``; ``settings`` is what the app reads, from the environment or from a file.

    ``start`` starts everything, ``stop`` ends it in the opposite order; used as a context manager it does both. A
    system that was stopped, or killed, goes on where it was.
    """

    folder: Path
    ports: dict[str, int]
    settings: dict[str, str]
    python: str = sys.executable
    host_options: tuple[str, ...] = ()
    _running: dict[str, Process] = field(default_factory=dict)

    @classmethod
    def in_folder(
        cls,
        folder: Path,
        *,
        clock: Clock | None = None,
        settings: Mapping[str, str] | None = None,
        python: str = sys.executable,
        host_options: tuple[str, ...] = (),
        host_port: int = 0,
    ) -> Self:
        """Return the system that is kept in ``folder``, or a new one.

        Args:
            folder: where everything is kept.
            clock: the time a new system lives in; one that exists keeps its own.
            settings: those that are to differ from the local ones.
            python: the interpreter of the functions host.
            host_options: more of its command line.
            host_port: where a new system's app is to answer; 0 takes a free port.
        """
        folder.mkdir(parents=True, exist_ok=True)
        ports = _kept(
            folder / "ports.json",
            lambda: {name: free_port() for name in ("azurite", "hub", "sinks")} | {"host": host_port or free_port()},
        )
        told = _kept(
            folder / "secrets.json", lambda: {"webhook": f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"}
        )
        hashing = _kept(folder / "privacy.json", lambda: {"key": base64.b64encode(secrets.token_bytes(32)).decode()})
        time = _kept(folder / "clock.json", lambda: {"CLOCK": str(clock) if clock else ""})
        # Kept like the clock: what runs once an hour there would run many times a second here.
        own = {name: text for name, text in (settings or {}).items() if name in _SCHEDULES}
        schedules = {**_SCHEDULES, **_kept(folder / "schedules.json", lambda: {**_SCHEDULES, **own})}
        values = {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": azurite.connection_string(ports["azurite"]),
            "STORAGE": azurite.connection_string(ports["azurite"]),
            "EVENTS": (
                f"Endpoint=sb://127.0.0.1:{ports['hub']};SharedAccessKeyName=RootManageSharedAccessKey;"
                "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
            ),
            "EVENTS_HUB": HUB,
            "EVENTS_CONSUMER_GROUP": CONSUMER_GROUP,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": (
                "InstrumentationKey=00000000-0000-0000-0000-000000000001;"
                f"IngestionEndpoint=http://127.0.0.1:{ports['sinks']}/"
            ),
            "WEBHOOKS": f"http://127.0.0.1:{ports['sinks']}/webhook/{WEBHOOK}",
            "WEBHOOK_SECRET": told["webhook"],
            "PRIVACY_KEY": hashing["key"],
            **schedules,
            **time,
            **(settings or {}),
        }
        system = cls(folder, ports, values, python, host_options)
        system._write_settings()
        return system

    @classmethod
    def in_use(cls, folder: Path) -> bool:
        """Whether the system that is kept in ``folder`` is running, as far as its storage is."""
        ports = folder / "ports.json"
        return ports.exists() and not is_free(json.loads(ports.read_bytes())["azurite"])

    @property
    def url(self) -> str:
        """Return where the app answers."""
        return f"http://127.0.0.1:{self.ports['host']}"

    @property
    def sinks_url(self) -> str:
        """Return where what was reported and posted can be read."""
        return f"http://127.0.0.1:{self.ports['sinks']}"

    @property
    def clock(self) -> Clock:
        """Return the time the system lives in."""
        return Clock.parse(self.settings["CLOCK"])

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that its processes, and the command line, run in."""
        return {**os.environ, **self.settings}

    def key(self, name: str = "function") -> str:
        """Return a key of the functions host, ``function`` or ``master``, once the host has started."""
        keys: dict[str, str] = json.loads((self.folder / "host" / "keys.json").read_bytes())
        return keys[name]

    def start(self) -> Self:
        """Start everything."""
        self.start_services()
        self.start_host()
        return self

    def start_services(self) -> None:
        """Start everything but the functions host; the hub stays out if ``EVENTS`` names another one."""
        self.start_azurite()
        if f"127.0.0.1:{self.ports['hub']};" in self.settings["EVENTS"]:
            self.start_hub()
        self.start_sinks()

    def start_azurite(self) -> None:
        """Start storage, with the containers a template would have made."""
        port, log = self.ports["azurite"], self.folder / "azurite.log"
        with signals_held():
            process = self._running["azurite"] = azurite.start(port=port, data=self.folder / "azurite", log=log)
        process.wait_for_port(port)
        asyncio.run(_create_containers(self.settings["STORAGE"]))

    def start_hub(self) -> None:
        """Start the Event Hubs emulator."""
        data = str(self.folder / "eventhubs")
        self._module("eventhubs", "--port", str(self.ports["hub"]), "--data", data, "--retention-s", str(7 * 86_400))

    def start_sinks(self) -> None:
        """Start what takes telemetry and webhooks."""
        data = str(self.folder / "sinks")
        secret = self.settings["WEBHOOK_SECRET"]
        self._module("sinks", "--port", str(self.ports["sinks"]), "--data", data, "--webhook-secret", secret)

    def start_host(self) -> None:
        """Start the functions host."""
        data = str(self.folder / "host")
        options = ("--port", str(self.ports["host"]), "--data", data, *self.host_options)
        self._module("host", *options, python=self.python)

    def process(self, name: str) -> Process:
        """Return one of its processes: ``azurite``, ``eventhubs``, ``sinks`` or ``host``."""
        return self._running[name]

    def log(self, name: str) -> str:
        """Return the log of one of its processes."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        """End everything with SIGTERM, the functions host first and storage last; an impatient Ctrl-C waits for that."""
        with signals_held():
            for name in reversed(list(self._running)):
                self._running.pop(name).stop()

    def leap(self, moment: datetime, *, speed: float) -> None:
        """Start again at a later moment, with a clock that runs ``speed`` times as fast as the wall's."""
        self.stop()
        clock = {"CLOCK": str(Clock.starting(moment, speed=speed))}
        (self.folder / "clock.json").write_text(json.dumps(clock))
        self.settings |= clock
        self._write_settings()
        self.start()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _write_settings(self) -> None:
        values = {"IsEncrypted": False, "Values": self.settings}
        (self.folder / "local.settings.json").write_text(json.dumps(values, indent=2))

    def _module(self, name: str, *arguments: str, python: str = sys.executable) -> None:
        command = [python, "-m", f"infra.local.{name}", *arguments]
        with signals_held():
            process = Process.start(name, command, log=self.folder / f"{name}.log", env=self.environment)
            self._running[name] = process
        process.wait_for_ready_line()


async def _create_containers(storage: str) -> None:
    blobs = Blobs(service(storage))
    try:
        await blobs.create_containers()
    finally:
        await blobs.close()


def _kept(path: Path, make: Callable[[], dict[str, V]]) -> dict[str, V]:
    """Return what was written at ``path`` the first time, which is what ``make`` made then."""
    if not path.exists():
        path.write_text(json.dumps(make()))
    kept: dict[str, V] = json.loads(path.read_bytes())
    return kept
