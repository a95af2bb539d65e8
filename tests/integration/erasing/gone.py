"""An erasure over a copy of storage, and what holds after it."""

import copy
from collections import Counter

from shared.sealing.hours.manifests import Manifests
from tests.integration.erasing.found import holding
from tests.integration.erasing.inhabited import PERSON, PLACE, PREDICTIONS, Inhabited
from tests.integration.sealing.batches import id_of
from tests.integration.sealing.conftest import Stages
from tests.integration.sealing.verified import deep
from tests.integration.stored import Calendar
from tests.memory import Memory, MemoryBlobs


def again(first: tuple[Memory, Inhabited]) -> tuple[Memory, Inhabited]:
    """Return a copy of it, in a memory of its own."""
    memory, made = copy.deepcopy(first[0]), first[1]
    stages = Stages(MemoryBlobs(memory), made.stages.hub, Calendar(made.stages.calendar.now()))
    return memory, Inhabited(stages, list(made.own), list(made.own_actuals), list(made.others), made.sequence)


async def erase(made: Inhabited, blobs: MemoryBlobs | None = None) -> dict[str, int]:
    return (await made.erasing(blobs).erase("flights", feature="carrier", value=PLACE)).rows


async def assert_gone(made: Inhabited) -> None:
    """See that the subject is nowhere, that all others are there once, and that the account closes."""
    found = await holding(made.blobs, PLACE, PERSON, *made.own_ids)
    assert {text: paths for text, paths in found.items() if paths} == {}
    assert not any(one.is_erasing for one in (await Manifests(made.blobs).of(PREDICTIONS)).values())
    assert (await deep(made.stages)).wrong == ()
    rows = Counter(row["_id"] for row in await made.rows("_id"))
    assert rows.keys() <= set(map(id_of, made.others))
    assert set(rows.values()) == {1}
