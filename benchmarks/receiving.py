"""Capture, from a received event to its append, in a process of its own: ``python -m benchmarks.receiving``.

It sends events, receives them with the client that stands for the Functions host's trigger, hands them over as the
Python worker does, and captures them twice: into memory, which is our own part, and into storage. All of it is CPU of
this process, and every round does all of it, so that a machine that is busy for a while is busy for all. It prints one
JSON object.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, cast

import azure.functions as func
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient, PartitionContext

from benchmarks.in_memory import MemoryBlobs, QuietHub
from benchmarks.records import HOUR, bodies, schema, version
from infra.local.host.payloads import events_data
from infra.local.system import CONSUMER_GROUP, HUB
from shared.blobs import Blobs, service
from shared.capture.capturing import Capturing
from shared.capture.cursor import Cursors
from shared.capture.hour_log import HourLogs
from shared.capture.reading_back import ReadingBack
from shared.capture.records import Kind
from shared.clock import Clock
from shared.registry.store import Registry
from shared.sealing.tables.columns import arrow_schema
from shared.telemetry import Telemetry

_FEATURES: Final = 30
_BATCH: Final = 200
_PREFETCH: Final = 400

_DECODE: Final[Any] = func.get_binding_registry()


@dataclass(slots=True)
class _Reception:
    """So many expected events, and the CPU that the client took for those after the first batch.

    What it took in before it handed that over is left out, which makes it look cheaper than it is. An ``EventData``
    reads what it has when it is asked: what everybody asks of it is the client's too.
    """

    expected: int
    batches: list[tuple[PartitionContext, list[EventData]]] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    events: int = 0
    spent_s: float = 0.0
    _began: float = 0.0

    async def take(self, partition: PartitionContext, events: list[EventData]) -> None:
        if not self.batches:
            self._began = time.process_time()
        for event in events:
            b"".join(cast("Iterable[bytes]", event.body)), event.sequence_number, event.enqueued_time
        self.batches.append((partition, events))
        self.events += len(events)
        if self.events >= self.expected:
            self.spent_s = time.process_time() - self._began
            self.complete.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the rounds share; ``partition`` is where events of this size go."""

    connection: str
    partition: str
    bodies: Sequence[bytes]
    in_memory: Capturing
    in_storage: Capturing

    async def round(self, *, after: int) -> tuple[dict[str, float], int]:
        """Return the CPU seconds of one event by who spent them, and the last sequence number."""
        await self._send()
        received = await self._receive(after)
        began = time.process_time()
        batches = [_handed_over(partition, events) for partition, events in received.batches]
        worker_s = time.process_time() - began
        own_s = await _captured(self.in_memory, batches)
        whole_s = await _captured(self.in_storage, batches)
        spent_s = {
            "client": received.spent_s / (received.events - len(received.batches[0][1])),
            "worker": worker_s / received.events,
            "own": own_s / received.events,
            "storage": (whole_s - own_s) / received.events,
        }
        return spent_s, int(batches[-1][-1].sequence_number or 0)

    async def _send(self) -> None:
        async with EventHubProducerClient.from_connection_string(self.connection, eventhub_name=HUB) as producer:
            batch = await producer.create_batch(partition_id=self.partition)
            for body in self.bodies:
                try:
                    batch.add(EventData(body))
                except ValueError:  # it is full
                    await producer.send_batch(batch)
                    batch = await producer.create_batch(partition_id=self.partition)
                    batch.add(EventData(body))
            await producer.send_batch(batch)

    async def _receive(self, after: int) -> _Reception:
        reception = _Reception(len(self.bodies))
        client = EventHubConsumerClient.from_connection_string(
            self.connection, consumer_group=CONSUMER_GROUP, eventhub_name=HUB
        )
        receiving = asyncio.create_task(
            client.receive_batch(
                reception.take,
                max_batch_size=_BATCH,
                prefetch=_PREFETCH,
                partition_id=self.partition,
                starting_position=after,
            )
        )
        await reception.complete.wait()
        await client.close()
        receiving.cancel()  # it would end after the interval of its load balancing: half a minute
        with contextlib.suppress(asyncio.CancelledError):
            await receiving
        return reception


async def measure(
    connection: str, storage: str, *, records: int, events: int, rounds: int, seed: int
) -> dict[str, float]:
    """Return the CPU seconds of one event of ``records`` records, as the medians of the rounds."""
    sent = bodies(records * events, _FEATURES, an_event=records, seed=seed)
    async with contextlib.AsyncExitStack() as stack:
        blobs = Blobs(service(storage))
        stack.push_async_callback(blobs.close)
        bench = Bench(
            connection=connection,
            partition=str(records % 2),
            bodies=sent,
            in_memory=await _capturing(MemoryBlobs()),
            in_storage=await _capturing(blobs),
        )
        _, after = await bench.round(after=-1)  # connections are made, and libraries loaded
        found: list[dict[str, float]] = []
        for _ in range(rounds):
            spent_s, after = await bench.round(after=after)
            found.append(spent_s)
    return {who: statistics.median(one[who] for one in found) for who in found[0]}


async def _capturing(blobs: Blobs) -> Capturing:
    clock = Clock.real()
    registry = Registry(blobs, clock)
    manifest, _ = version(schema(_FEATURES), arrow_schema(Kind.PREDICTION, schema(_FEATURES)).empty_table())
    await registry.register(manifest, files={})
    return Capturing(
        QuietHub(HOUR),
        HourLogs(blobs),
        Cursors(blobs, clock),
        registry,
        Telemetry.to("", clock=clock),
        ReadingBack(_nothing_is_missing),
    )


def _nothing_is_missing() -> NoReturn:
    raise AssertionError("events were delivered in order")


def _handed_over(partition: PartitionContext, events: list[EventData]) -> list[func.EventHubEvent]:
    data = events_data("events", events, partition, binary=True)
    made: list[func.EventHubEvent] = _DECODE.get("eventHubTrigger").decode(data.datum, trigger_metadata=data.metadata)
    return made


async def _captured(capturing: Capturing, batches: Sequence[Sequence[func.EventHubEvent]]) -> float:
    began = time.process_time()
    for batch in batches:
        await capturing.append(batch)
    return time.process_time() - began


def main() -> None:
    """Measure, and say what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receiving", description=__doc__)
    parser.add_argument("--events-connection", required=True)
    parser.add_argument("--storage", required=True)
    parser.add_argument("--records", type=int, default=1, help="records an event")
    parser.add_argument("--events", type=int, default=2_000, help="events a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    options = {"records": asked.records, "events": asked.events, "rounds": asked.rounds, "seed": asked.seed}
    print(json.dumps(asyncio.run(measure(asked.events_connection, asked.storage, **options))))


if __name__ == "__main__":
    main()
