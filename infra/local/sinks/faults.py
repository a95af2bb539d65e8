"""Planned misbehaviour."""

from typing import Literal

import msgspec

SinkName = Literal["telemetry", "webhooks"]


class Partial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Refuse the items at ``indexes`` with ``status`` and take the others."""

    indexes: tuple[int, ...]
    status: int = 500


class Misbehaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a sink does with its next requests, ``count`` of them; None: until told otherwise.

    First it says nothing for ``hang_s`` real seconds; whether the client is still there then does not matter, as on a
    real network. Then it answers ``status`` (and keeps nothing unless that is a
    2xx), with ``retry_after`` and ``location`` as headers and ``body`` in place of its own. ``partial`` is for
    telemetry only.
    """

    sink: SinkName
    count: int | None = 1
    hang_s: float = 0.0
    status: int | None = None
    retry_after: str | None = None
    location: str | None = None
    body: str | None = None
    partial: Partial | None = None

    @property
    def keeps(self) -> bool:
        """Say whether the request is kept all the same."""
        return self.status is None or 200 <= self.status < 300

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers it adds to the answer."""
        headers = {"Retry-After": self.retry_after, "Location": self.location}
        return {name: value for name, value in headers.items() if value is not None}


class Plan:
    """The misbehaviours to come, in the order they were planned."""

    def __init__(self) -> None:
        self._coming: list[Misbehaviour] = []

    def add(self, misbehaviour: Misbehaviour) -> None:
        """Plan one more, after those already planned."""
        self._coming.append(misbehaviour)

    def clear(self) -> None:
        """Behave from now on."""
        self._coming.clear()

    def coming(self) -> tuple[Misbehaviour, ...]:
        """Return what is still planned."""
        return tuple(self._coming)

    def next_for(self, sink: SinkName) -> Misbehaviour:
        """Take the misbehaviour of the next request; one that does nothing if none is planned."""
        for place, planned in enumerate(self._coming):
            if planned.sink != sink:
                continue
            if planned.count is not None:
                left = msgspec.structs.replace(planned, count=planned.count - 1)
                self._coming[place : place + 1] = [left] if left.count else []
            return planned
        return Misbehaviour(sink=sink)
