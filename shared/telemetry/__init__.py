"""Requests, dependencies, exceptions and metrics, to Application Insights.

The one place that knows of Application Insights. Reports return at once and raise nothing: telemetry may be lost, and
then says how much, but it never changes an answer. Every item counts as one; sampling is not done here. Feature
values never go in.
"""

import os
import secrets
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Protocol, Self

from shared.clock import Clock
from shared.telemetry.connection import Connection
from shared.telemetry.items import Dependency, Item, Request, Subject, exceptional
from shared.telemetry.sender import Limits, Sender, Stats


class Outlet(Protocol):
    """Where reports go: ``Sender``, or nowhere."""

    def offer(self, item: Item) -> None: ...
    def observe(self, name: str, value: float, subject: Subject) -> None: ...
    def stats(self) -> Stats | None: ...
    def close(self, timeout_s: float) -> None: ...


class Telemetry:
    """What the app reports about itself.

    ``properties`` become custom properties beside ``model`` and ``version``; they are read later, on another thread,
    so hand over a mapping that nobody changes. ``operation_id`` ties together what belongs to one request.
    """

    def __init__(self, make_outlet: Callable[[], Outlet], *, clock: Clock) -> None:
        self._make_outlet = make_outlet
        self._outlet = make_outlet()
        self._clock = clock
        _renew_after_fork(self)

    @classmethod
    def to(cls, connection_string: str, *, clock: Clock, role: str = "driftline", limits: Limits | None = None) -> Self:
        """Return telemetry to what a connection string names, or to nowhere if it is empty.

        ``role`` is the cloud role name. No thread starts and nothing is sent before the first report.

        Raises:
            ValueError: the connection string cannot be read.
        """
        if not connection_string:
            return cls(_Nowhere, clock=clock)
        connection = Connection.parse(connection_string)
        return cls(partial(_sender, connection, clock=clock, role=role, limits=limits or Limits()), clock=clock)

    def request(  # noqa: PLR0913 - a request has these
        self,
        *,
        name: str,
        model: str,
        version: str,
        operation_id: str,
        started: datetime,
        duration_ms: float,
        status: int,
        success: bool,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Report a request that was answered; ``started`` is aware.

        The Functions host reports every invocation too, by the function's name: ``name`` is another one, like
        ``score flights:1``.
        """
        subject = Subject(model, version, operation_id, properties)
        self._outlet.offer(Request(_new_id(), name, started, duration_ms, status, success, subject))

    def dependency(  # noqa: PLR0913 - a call has these
        self,
        *,
        name: str,
        kind: str,
        target: str,
        started: datetime,
        duration_ms: float,
        result: str,
        success: bool,
        operation_id: str | None = None,
        model: str | None = None,
        version: str | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Report a call to something outside; ``started`` is aware.

        ``kind`` is the technology ("Azure Event Hubs"), ``target`` what was called ("driftline.servicebus.windows.net"),
        ``name`` the operation ("send"), ``result`` its outcome ("201", "timeout"). All take few values.
        """
        subject = Subject(model, version, operation_id, properties)
        self._outlet.offer(Dependency(_new_id(), name, kind, target, started, duration_ms, result, success, subject))

    def exception(
        self,
        error: BaseException,
        *,
        model: str | None = None,
        version: str | None = None,
        operation_id: str | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Report an exception: its type, its code and its stack, but not its message, which may quote a value."""
        subject = Subject(model, version, operation_id, properties)
        self._outlet.offer(exceptional(error, at=self._clock.now(), subject=subject))

    def metric(
        self,
        name: str,
        value: float,
        *,
        model: str | None = None,
        version: str | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Report one observation; those of a few seconds are sent together, as number, sum and extremes."""
        self._outlet.observe(name, value, Subject(model, version, None, properties))

    def stats(self) -> Stats | None:
        """Return what became of the items so far; None if they go nowhere."""
        return self._outlet.stats()

    def close(self, timeout_s: float) -> None:
        """Send what waits, in ``timeout_s`` at most: call it once, when the process ends."""
        self._outlet.close(timeout_s)

    def _renew(self) -> None:
        """Begin afresh in a forked child: threads do not survive a fork, and what waits is the parent's to send."""
        self._outlet = self._make_outlet()


class _Nowhere:
    def offer(self, item: Item) -> None:
        pass

    def observe(self, name: str, value: float, subject: Subject) -> None:
        pass

    def stats(self) -> Stats | None:
        return None

    def close(self, timeout_s: float) -> None:
        pass


def _sender(connection: Connection, *, clock: Clock, role: str, limits: Limits) -> Sender:
    # the library and the HTTP client cost 70 ms of CPU, which an app without a connection string need not pay
    from shared.telemetry import transport
    from shared.telemetry.envelopes import Envelopes

    envelopes = Envelopes(connection.instrumentation_key, role=role)
    return Sender(
        encode=envelopes.encode, post=partial(transport.post, connection.track_url), clock=clock, limits=limits
    )


def _renew_after_fork(telemetry: Telemetry) -> None:
    # hooks cannot be taken back, so they must not keep anything alive
    renew = weakref.WeakMethod(telemetry._renew)  # noqa: SLF001 - a part of Telemetry in all but place

    def renew_if_alive() -> None:
        if method := renew():
            method()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew_if_alive)


def _new_id() -> str:
    """Return the id of one request or dependency, made once, so that an item sent twice can be told from two."""
    return secrets.token_hex(8)
