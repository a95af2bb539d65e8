"""What is read from host.json."""

from datetime import UTC, datetime

import pytest

from infra.local.host.errors import CannotStart
from infra.local.host.hostjson import FROM_END, FROM_START, EventHubsOptions, HostOptions, parse_host_json


def test_what_is_not_said_has_the_real_hosts_default() -> None:
    options = parse_host_json(b'{"version": "2.0", "logging": {"anything": 1}}')

    assert options == HostOptions()
    assert options.route_prefix == "api"
    assert options.event_hubs == EventHubsOptions(max_batch=100, prefetch=300, start=FROM_START)


def test_what_is_said_is_honoured() -> None:
    options = parse_host_json(
        b"""{"version": "2.0", "functionTimeout": "00:10:00", "extensions": {"http": {"routePrefix": ""}, "eventHubs": {
        "maxEventBatchSize": 7, "prefetchCount": 9, "batchCheckpointFrequency": 3,
        "initialOffsetOptions": {"type": "fromEnd"}}}}"""
    )

    assert options == HostOptions(
        route_prefix="",
        timeout_s=600.0,
        event_hubs=EventHubsOptions(max_batch=7, prefetch=9, batches_per_checkpoint=3, start=FROM_END),
    )


def test_a_start_in_time_is_read_as_utc() -> None:
    options = parse_host_json(
        b"""{"version": "2.0", "extensions": {"eventHubs": {"initialOffsetOptions":
        {"type": "fromEnqueuedTime", "enqueuedTimeUtc": "2026-03-01T10:00:00Z"}}}}"""
    )

    assert options.event_hubs.start == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "not json",
        '{"version": "1.0"}',
        '{"version": "2.0", "functionTimeout": "ten minutes"}',
        '{"version": "2.0", "extensions": {"eventHubs": {"maxEventBatchSize": 0}}}',
        '{"version": "2.0", "extensions": {"eventHubs": {"maxEventBatchSize": "many"}}}',
        '{"version": "2.0", "extensions": {"eventHubs": {"initialOffsetOptions": {"type": "fromLuck"}}}}',
    ],
)
def test_what_does_not_hold_stops_the_start(text: str) -> None:
    with pytest.raises(CannotStart, match=r"host\.json"):
        parse_host_json(text.encode())
