"""Events that nobody meant well, and storage that refuses: good events are kept, once, and nothing stands still."""

import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from shared.blobs import Blobs
from shared.errors import StorageUnavailable
from tests.integration.capture.delivery import handed_over, lines
from tests.integration.capture.streams import NINE, Stream, stream
from tests.integration.stored import _OwnContainers
from tests.unit.capture.records import record

BATCH = 200
MALFORMED = 10_000


@pytest.fixture
async def hub(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    async with stream(azurite, tmp_path) as made:
        yield made


def _text(rng: random.Random) -> str:
    return "".join(rng.choice("aB_/.\\\"'\u2028\N{SNOWMAN}\x00é") for _ in range(rng.randint(1, 80)))


SORTS: tuple[Callable[[random.Random], bytes], ...] = (
    lambda rng: rng.randbytes(rng.randint(1, 400)),
    lambda _: b"",
    lambda rng: b"\n" * rng.randint(1, 20),
    lambda _: b"\n" * 5_000,
    lambda rng: record()[: rng.randint(1, 60)],
    lambda rng: record() + rng.choice([b"}", b"x", b"\x00", record()]),
    lambda rng: record() + rng.choice([b"", b" ", b"\r"]) + record() + rng.choice([b"\n", b"\n "]),
    lambda rng: rng.choice([b"null", b"[]", b"{}", b'"text"', b"1e999", b"NaN", b"-", b"\xef\xbb\xbf" + record()]),
    lambda rng: b"[" * rng.randint(1_000, 100_000),
    lambda rng: b'{"a":' * rng.randint(1_000, 50_000),
    lambda rng: record(kind=rng.choice(["_dead", "rumour", "", "PREDICTION", _text(rng)])),
    lambda rng: record(model=rng.choice(["../../etc", "", "Flights", "_none", "a" * 64, "flights\n", _text(rng)])),
    lambda rng: record(version=rng.choice(["../1", "", "V1", "_unknown", "_none", None, "1/2", _text(rng)])),
    lambda rng: record(model="_unknown", kind=rng.choice(["prediction", "actual"]), version="1"),
    lambda rng: record(id=rng.choice(["", "7", "0" * 36, 7, None, [], _text(rng)])),
    lambda rng: record(format=rng.choice([2, 10**30, "1", None, 1.5])),
    lambda rng: record(
        **{rng.choice(["partition", "sequence", "index", "enqueued_at", "lines"]): rng.choice([9, None, "x"])}
    ),
    lambda _: b'{"control":"closed","sequence":99999999,"enqueued_at":"2026-03-01T09:00:00+00:00"}',
    lambda _: record(inputs="\N{SNOWMAN}").replace("\N{SNOWMAN}".encode(), b"\xff\xfe"),
    lambda _: record(inputs="x" * 262_144),
    # What can be read, and has no place.
    lambda rng: record(model=f"model-{rng.randrange(10**9)}"),
    lambda rng: record(version=str(rng.randrange(2, 10**9))),
    lambda rng: record(kind="actual", version=None, model=f"model-{rng.randrange(50)}"),
)


async def test_ten_thousand_malformed_events_are_dead_letters_and_hold_up_no_good_one(hub: Stream) -> None:
    """Whoever may send to the hub must not be able to stop it, or to take others' predictions along."""
    rng = random.Random(11)
    sorts = [rng.choice(SORTS) for _ in range(MALFORMED)]
    bodies = [sort(rng) for sort in sorts]
    places = sorted(rng.sample(range(MALFORMED), 2_000), reverse=True)
    for place in places:
        bodies.insert(place, b"good")
    good = [number for number, body in enumerate(bodies) if body == b"good"]
    events = [
        handed_over(record(n=number) if body == b"good" else body, "0", sequence=number, at=NINE)
        for number, body in enumerate(bodies)
    ]
    capturing = hub.capturing()

    began = time.process_time()
    for first in range(0, len(events), BATCH):
        await capturing.append(events[first : first + BATCH])
    took_s = time.process_time() - began

    assert await hub.kept() == good
    dead = Counter(letter["sequence"] for letter in await hub.dead() if not letter.get("part"))
    assert set(dead) == set(range(len(events))) - set(good)
    assert (await hub.cursor()).sequence == len(events) - 1
    assert took_s < 0.001 * len(events)


async def test_delivered_twice_they_are_dead_letters_once(hub: Stream) -> None:
    rng = random.Random(12)
    bodies = [rng.choice(SORTS)(rng) for _ in range(100)]
    events = [handed_over(body, "0", sequence=number, at=NINE) for number, body in enumerate(bodies)]

    await hub.capturing().append(events[:60])
    await hub.capturing().append(events[30:])
    await hub.capturing().append(events)

    places = [(letter["sequence"], letter["index"]) for letter in await hub.dead()]
    assert len(places) == len(set(places))
    assert {sequence for sequence, _ in places} == set(range(100))


async def test_storage_that_forbids_everything_for_a_while_loses_and_doubles_nothing(hub: Stream, azurite: str) -> None:
    """A role that was taken away and given back: the host delivers the batch until it is in."""
    allowed = hub.blobs._service
    forbidden = cast("Any", _OwnContainers(azurite.replace("AccountKey=", "AccountKey=AAAA")))
    forbidden._own = cast("Any", allowed)._own
    blobs = Blobs(allowed)
    capturing = hub.capturing(blobs)
    capturing.cursors.blobs = blobs
    events = [handed_over(record(n=number), "0", sequence=number, at=NINE) for number in range(30)]

    await capturing.append(events[:10])
    blobs._service = forbidden
    with pytest.RaisesGroup(StorageUnavailable):
        await capturing.append(events[10:20])
    with pytest.raises(StorageUnavailable, match="403"):
        await capturing.append(events[10:20])
    blobs._service = allowed
    await capturing.append(events[10:20])
    await capturing.append(events[15:])
    await forbidden.close()

    assert await hub.kept() == list(range(30))
    assert await hub.dead() == []


async def test_a_line_that_looks_like_one_about_the_log_does_not_end_it(hub: Stream) -> None:
    """A writer that believed it would leave out everything up to the number it says."""
    closing = b'{"control":"closed","sequence":99999999,"enqueued_at":"2026-03-01T09:00:00+00:00"}'
    batches = [
        record(n=0),
        closing,
        record(n=2, inputs=json.loads(closing)),
        record(n=3, control="closed"),
        record(n=4),
    ]

    for number, body in enumerate(batches):
        await hub.capturing().append([handed_over(body, "0", sequence=number, at=NINE)])

    assert await hub.kept() == [0, 2, 3, 4]
    assert [one["sequence"] for one in await lines(hub.blobs, "captures/dead/")] == [1]
