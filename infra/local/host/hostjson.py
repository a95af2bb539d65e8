"""host.json: what this host honours of it.

Everything else in the file is for Azure and is left alone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from infra.local.host.durations import parse_duration
from infra.local.host.errors import CannotStart

FROM_START: Final = "-1"
FROM_END: Final = "@latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHubsOptions:
    """How batches are made; ``start`` is where a partition without a checkpoint begins."""

    max_batch: int = 100
    prefetch: int = 300
    batches_per_checkpoint: int = 1
    start: str | datetime = FROM_START


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """The part of host.json that this host acts on; ``timeout_s`` is None when functions may run for ever."""

    route_prefix: str = "api"
    timeout_s: float | None = 1800.0
    event_hubs: EventHubsOptions = EventHubsOptions()


class _InitialOffset(msgspec.Struct, rename="camel"):
    type: str = "fromStart"
    enqueued_time_utc: datetime | None = None


class _EventHubs(msgspec.Struct, rename="camel"):
    max_event_batch_size: int = 100
    prefetch_count: int = 300
    batch_checkpoint_frequency: int = 1
    initial_offset_options: _InitialOffset = msgspec.field(default_factory=_InitialOffset)


class _Http(msgspec.Struct, rename="camel"):
    route_prefix: str = "api"


class _Extensions(msgspec.Struct, rename="camel"):
    http: _Http = msgspec.field(default_factory=_Http)
    event_hubs: _EventHubs = msgspec.field(default_factory=_EventHubs)


class _HostJson(msgspec.Struct, rename="camel"):
    version: Literal["2.0"]
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)
    function_timeout: str = "00:30:00"


def parse_host_json(raw: bytes) -> HostOptions:
    """Read host.json; what it does not say has the real host's default.

    Raises:
        CannotStart: it is not JSON, its version is not 2.0, or a value that this host honours is wrong.
    """
    try:
        document = msgspec.json.decode(raw, type=_HostJson)
        return HostOptions(
            route_prefix=document.extensions.http.route_prefix.strip("/"),
            timeout_s=_timeout_s(document.function_timeout),
            event_hubs=_event_hubs(document.extensions.event_hubs),
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise CannotStart(f"host.json: {error}") from error


def _timeout_s(text: str) -> float | None:
    return None if text == "-1" else parse_duration(text).total_seconds()


def _event_hubs(section: _EventHubs) -> EventHubsOptions:
    sizes: dict[str, Any] = {
        "maxEventBatchSize": section.max_event_batch_size,
        "prefetchCount": section.prefetch_count,
        "batchCheckpointFrequency": section.batch_checkpoint_frequency,
    }
    if wrong := [name for name, value in sizes.items() if value < 1]:
        raise ValueError(f"extensions.eventHubs: {', '.join(wrong)} must be 1 or more")
    return EventHubsOptions(
        max_batch=section.max_event_batch_size,
        prefetch=section.prefetch_count,
        batches_per_checkpoint=section.batch_checkpoint_frequency,
        start=_start(section.initial_offset_options),
    )


def _start(options: _InitialOffset) -> str | datetime:
    match options.type.lower():
        case "fromstart":
            return FROM_START
        case "fromend":
            return FROM_END
        case "fromenqueuedtime" if options.enqueued_time_utc is not None:
            # The SDK compares wall-clock numbers and ignores the zone.
            return options.enqueued_time_utc.replace(tzinfo=options.enqueued_time_utc.tzinfo or UTC).astimezone(UTC)
        case other:
            raise ValueError(f"extensions.eventHubs.initialOffsetOptions: {other!r} cannot be read")
