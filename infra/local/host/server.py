"""The running host: an indexed app, its listeners, its web server, and how they stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn

from infra.local.host import bindings
from infra.local.host.engine import Engine
from infra.local.host.errors import CannotStart
from infra.local.host.eventhub_trigger import EventHubListener
from infra.local.host.hostjson import HostOptions, parse_host_json
from infra.local.host.http_trigger import HttpFront
from infra.local.host.invoking import Invoker, finish
from infra.local.host.keys import Keys
from infra.local.host.storage import HostStorage
from infra.local.host.timer_trigger import TimerListener
from infra.local.host.triggers import EventHubTrigger, HttpTrigger, TimerTrigger, Trigger, read_triggers
from shared.clock import Clock

logger = logging.getLogger(__name__)

HOST_ID: Final = "AzureFunctionsWebHost__hostid"
# As the web server of the real host.
_KEEP_ALIVE_S = 130
_BACKLOG = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What the command line decides; ``grace_s`` is how long running functions may take to finish at the end."""

    app: Path
    data: Path
    port: int
    ownership_s: float
    lease_s: int
    grace_s: float


class Host:
    """One instance of one app."""

    def __init__(
        self, arrangement: Arrangement, engine: Engine, options: HostOptions, settings: Mapping[str, str]
    ) -> None:
        self._arrangement = arrangement
        self._engine = engine
        self._options = options
        self._settings = settings
        self._invoker = Invoker(engine, timeout_s=options.timeout_s)
        self._host_id = settings.get(HOST_ID) or arrangement.app.name.lower()
        self._timers: dict[str, TimerListener] = {}
        self._hubs: list[EventHubListener] = []
        self._out_of_turn: set[asyncio.Task[None]] = set()

    async def run(self, *, ready: Callable[[int], None]) -> None:
        """Index the app, call ``ready`` with the port, and serve until SIGTERM or SIGINT.

        Raises:
            CannotStart: the app, host.json or the settings do not hold.
        """
        indexed = await self._engine.index(self._arrangement.app)
        functions = bindings.resolve(indexed, self._settings)
        triggers = read_triggers(functions, route_prefix=self._options.route_prefix)
        stopping = _stop_signal()
        async with AsyncExitStack() as stack:
            if not all(isinstance(trigger, HttpTrigger) for trigger in triggers):
                storage = await stack.enter_async_context(HostStorage(self._settings[bindings.STORAGE]))
                self._add_listeners(triggers, storage)
            address = _listen(self._arrangement.port)
            web = self._web_server(triggers)
            serving = asyncio.create_task(web.serve(sockets=[address]))
            listening = [asyncio.create_task(timer.listen()) for timer in self._timers.values()]
            listening += [asyncio.create_task(hub.listen()) for hub in self._hubs]
            logger.info("host started", extra={"engine": self._engine.name, "functions": len(triggers)})
            ready(address.getsockname()[1])
            await asyncio.wait([stopping, serving, *listening], return_when=asyncio.FIRST_COMPLETED)
            web.should_exit = True
            await self._stop([*listening, *self._out_of_turn], serving)
            logger.info("host stopped")

    def _add_listeners(self, triggers: Iterable[Trigger], storage: HostStorage) -> None:
        clock = _clock(self._settings)
        for trigger in triggers:
            if isinstance(trigger, TimerTrigger):
                self._timers[trigger.function.name] = TimerListener(
                    trigger=trigger,
                    invoker=self._invoker,
                    clock=clock,
                    blobs=storage.timer_blobs(self._host_id, trigger.function.name),
                    lease_s=self._arrangement.lease_s,
                )
            elif isinstance(trigger, EventHubTrigger):
                self._hubs.append(
                    EventHubListener(
                        trigger=trigger,
                        invoker=self._invoker,
                        options=self._options.event_hubs,
                        settings=self._settings,
                        blobs=storage.checkpoints(),
                        ownership_s=self._arrangement.ownership_s,
                    )
                )

    def _web_server(self, triggers: Iterable[Trigger]) -> uvicorn.Server:
        front = HttpFront(
            triggers=[trigger for trigger in triggers if isinstance(trigger, HttpTrigger)],
            invoker=self._invoker,
            keys=Keys.kept_in(self._arrangement.data / "keys.json"),
            run_timer=self._run_timer,
            state=self._state,
        )
        return uvicorn.Server(
            uvicorn.Config(
                front,
                interface="asgi3",
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=round(self._arrangement.grace_s),
            )
        )

    def _run_timer(self, name: str) -> bool:
        timer = self._timers.get(name)
        if timer is None:
            return False
        task = asyncio.create_task(finish(timer.run_now()))
        self._out_of_turn.add(task)
        task.add_done_callback(self._out_of_turn.discard)
        return True

    def _state(self) -> Mapping[str, Any]:
        return {
            "id": self._host_id,
            "state": "Running",
            "engine": self._engine.name,
            "running": self._invoker.running,
            "timers": {name: timer.active for name, timer in self._timers.items()},
            "partitions": {hub.trigger.function.name: hub.partitions for hub in self._hubs},
        }

    async def _stop(self, listening: Iterable[asyncio.Task[None]], serving: asyncio.Task[None]) -> None:
        """End the listeners; what they still run may finish within the grace, and is abandoned after it."""
        unfinished = await self._cancel(listening)
        await self._cancel(unfinished)
        await serving
        self._engine.close()

    async def _cancel(self, tasks: Iterable[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Cancel tasks, wait for them, and return those that have not ended within the grace."""
        pending = set(tasks)
        for task in pending:
            task.cancel()
        if not pending:
            return pending
        done, unfinished = await asyncio.wait(pending, timeout=self._arrangement.grace_s)
        _raise_first(done)
        return unfinished


def load_options(app: Path) -> HostOptions:
    """Read the app's host.json.

    Raises:
        CannotStart: there is none, or it does not hold.
    """
    try:
        return parse_host_json((app / "host.json").read_bytes())
    except FileNotFoundError:
        raise CannotStart(f"there is no host.json in {app}") from None


def _clock(settings: Mapping[str, str]) -> Clock:
    try:
        return Clock.parse(settings.get("CLOCK", ""))
    except ValueError as error:
        raise CannotStart(f"the setting CLOCK cannot be read: {error}") from error


def _listen(port: int) -> socket.socket:
    # Without the protocol's name asyncio does not turn Nagle's algorithm off, and every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise CannotStart(f"port {port}: {error}") from error
    listener.listen(_BACKLOG)
    return listener


def _stop_signal() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        # The web server catches the same signals and sends them on when it has stopped.
        if not stopping.done():
            stopping.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


def _raise_first(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
