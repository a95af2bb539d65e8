"""Event Hubs -> hour logs."""

from typing import List  # noqa: UP035 - see below

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="%EVENTS_HUB%",
    connection="EVENTS",
    consumer_group="%EVENTS_CONSUMER_GROUP%",
    cardinality=func.Cardinality.MANY,
    # Without it the host takes each body for one JSON document, and fails a batch in which one is not.
    data_type=func.DataType.BINARY,
)
@bp.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:02",
    maximum_interval="00:01:00",
)
async def capture(events: List[func.EventHubEvent]) -> None:  # noqa: UP006 - the worker knows no other spelling
    """Append one delivered batch to the hours its records belong to."""
    await wiring.capturing().append(events)
