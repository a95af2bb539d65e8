"""Requests for datasets: one for each question, each worked on in turn, none held up by another."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.asking import NotEveryRequestAdvanced
from shared.datasets.manifest import Check, Outcome
from shared.datasets.paths import request_path
from shared.datasets.recipe import Recipe
from shared.datasets.requests import MOST_BEGUN, Progress, Request, State
from shared.errors import (
    DatasetRefused,
    Fault,
    InvalidRecipe,
    LetGo,
    NotKept,
    RequestTooLarge,
    StorageUnavailable,
    UnknownModel,
    UnreadableRequest,
)
from tests.memory import MemoryBlobs
from tests.unit.datasets.asked import AT, Scripted, Step, World, recipe

DATASET = "d" * 64
STARTED = Progress(build="b1", done=1, steps=3)
READY = Progress(build="b1", done=3, steps=3, dataset=DATASET)
TOLD = Check(name="told_by_feature", outcome=Outcome.FAILED, reason="gate tells the actual: leave it out")
WARNED = Check(name="drift", outcome=Outcome.WARNED, reason="distance differs")


@pytest.fixture
async def world() -> World:
    made = World()
    await made.register()
    return made


async def stored(world: World, name: str) -> Request:
    """Return a request as a new process finds it."""
    found = await world.requests.find("flights", name)
    assert found is not None
    return found


async def test_the_same_question_twice_is_one_request(world: World) -> None:
    """What was left open means the same in the same hour, and a retry of a caller's must not build twice."""
    asking = world.asking()
    first = await asking.receive("flights", b'{"sample": {"rows": 100}}')

    again = await world.asking(minute=5).receive("flights", b'{"outputs": false, "sample": {"rows": 100, "seed": 0}}')
    said = await asking.ask(msgspec.convert({**msgspec.to_builtins(recipe(0)), "end": "2026-03-09T12"}, Recipe))
    other = await asking.receive("flights", b'{"sample": {"rows": 101}}')

    assert first == again == said
    assert (first.state, first.asked_at, first.recipe.end) == (State.QUEUED, AT, "2026-03-09T12")
    assert first.id == first.recipe.digest[:32]
    assert other.id != first.id
    assert len(await world.requests.stored()) == 2


async def test_what_cannot_be_asked_is_refused_and_not_queued(world: World) -> None:
    asking = world.asking()

    with pytest.raises(UnknownModel):
        await asking.receive("trains", b"{}")
    with pytest.raises(UnknownModel):
        await asking.ask(msgspec.structs.replace(recipe(0), model="trains"))
    with pytest.raises(RequestTooLarge):
        await asking.receive("flights", b" " * 1_001)
    with pytest.raises(UnreadableRequest):
        await asking.receive("flights", b"{")
    with pytest.raises(InvalidRecipe, match="end is not after start"):
        await asking.receive("flights", b'{"start": "2026-03-01T00", "end": "2026-03-01T00"}')

    assert await world.requests.stored() == []


async def test_a_build_goes_on_at_the_next_turn_by_its_name(world: World) -> None:
    """The plan of a build is made once: what has come since is no part of it."""
    name = await world.ask(1)
    world.builder.steps[1] = [STARTED, READY]

    await world.asking().advance()
    between = await stored(world, name)
    await world.asking(minute=1).advance()
    ended = await stored(world, name)
    nothing = await world.asking(minute=2).advance()

    assert nothing == []
    assert world.builder.turns == [(1, None), (1, "b1")]
    assert (between.state, between.build, between.done, between.steps) == (State.BUILDING, "b1", 1, 3)
    assert (ended.state, ended.dataset, ended.done, ended.reason) == (State.READY, DATASET, 3, None)


async def test_the_oldest_is_worked_on_first_for_as_long_as_there_is_time(world: World) -> None:
    """However little time there is, one step is made: else nothing ever would."""
    for seed, minute in ((1, 2), (2, 0), (3, 1)):
        await world.ask(seed, minute=minute)
    world.builder.steps = {seed: [STARTED, READY] for seed in (1, 2, 3)}

    await world.asking(budget_s=1e-9).advance()
    only_one = world.builder.order
    await world.asking().advance()

    assert only_one == [2]
    assert world.builder.order == [2, 2, 3, 1]


async def test_checks_that_fail_are_told_and_what_was_warned_of_is_kept(world: World) -> None:
    refused, ready, raised = await world.ask(1), await world.ask(2), await world.ask(3)
    world.builder.steps = {
        1: [Progress(build="b", done=3, steps=3, checks=(TOLD, WARNED))],
        2: [Progress(build="b", done=3, steps=3, checks=(WARNED,), dataset=DATASET)],
        3: [DatasetRefused("flights", reasons=("it leaks",))],
    }

    await world.asking().advance()

    one = await stored(world, refused)
    assert (one.state, one.code, one.reason, one.checks) == (
        State.REFUSED,
        "dataset_refused",
        'gate tells the actual: leave it out; to take it as it is, ask with "accept": ["told_by_feature"] in the body',
        (TOLD, WARNED),
    )
    other = await stored(world, ready)
    assert (other.state, other.code, other.checks) == (State.READY, None, (WARNED,))
    last = await stored(world, raised)
    assert (last.state, last.code) == (State.REFUSED, "dataset_refused")
    assert last.reason is not None
    assert last.reason.endswith("it leaks")


async def test_checks_that_may_fail_are_another_question_and_go_to_whoever_builds(world: World) -> None:
    """What was refused says how to ask for it as it is; the answer to the first question stays what it is."""
    plain = await world.asking().receive("flights", b'{"sample": {"rows": 9, "seed": 1}}')
    world.builder.steps[1] = [Progress(build="b", done=3, steps=3, checks=(TOLD, WARNED)), READY]
    await world.asking().advance()
    body = b'{"sample": {"rows": 9, "seed": 1}, "accept": ["told_by_feature"]}'
    accepting = await world.asking().receive("flights", body)
    again = await world.asking().receive("flights", body)
    await world.asking().advance()

    refused, ready = await stored(world, plain.id), await stored(world, accepting.id)
    assert refused.reason is not None
    assert refused.reason.endswith('; to take it as it is, ask with "accept": ["told_by_feature"] in the body')
    assert (again, accepting.recipe) == (accepting, plain.recipe)
    assert (refused.state, ready.state, ready.accept) == (State.REFUSED, State.READY, ("told_by_feature",))
    assert world.builder.accepted == [(), ("told_by_feature",)]


async def test_of_what_is_never_accepted_it_is_not_said_how(world: World) -> None:
    name = await world.ask(1)
    never = msgspec.structs.replace(TOLD, name="schema", acceptable=False, reason="an infinity")
    world.builder.steps[1] = [Progress(build="b", done=3, steps=3, checks=(TOLD, never))]

    await world.asking().advance()

    assert (await stored(world, name)).reason == f"{TOLD.reason}; an infinity"


async def test_what_no_retry_can_help_fails_and_holds_no_other_up(world: World) -> None:
    bad, good = await world.ask(1), await world.ask(2, minute=1)
    world.builder.steps = {1: [LetGo("flights", "1", dates=("2026-03-01",))], 2: [READY]}

    await world.asking().advance()

    one = await stored(world, bad)
    assert (one.state, one.code, one.dataset) == (State.FAILED, "let_go", None)
    assert one.reason is not None
    assert "2026-03-01" in one.reason
    assert (await stored(world, good)).state is State.READY


async def test_what_a_retry_can_help_is_tried_at_the_next_turn(world: World) -> None:
    first, second = await world.ask(1), await world.ask(2, minute=1)
    world.builder.steps = {1: [StorageUnavailable("captures/x", reason="503"), READY], 2: [READY]}

    with pytest.raises(NotEveryRequestAdvanced) as caught:
        await world.asking().advance()
    between = await stored(world, first)
    await world.asking(minute=1).advance()

    assert [type(one) for one in caught.value.exceptions] == [StorageUnavailable]
    assert (between.state, between.begun, between.code) == (State.BUILDING, 0, None)
    assert {(await stored(world, one)).state for one in (first, second)} == {State.READY}


async def test_what_has_to_wait_says_for_what(world: World) -> None:
    """It is no failure: joining takes its time, and the next turn looks again."""
    name = await world.ask(1)
    world.builder.steps[1] = [NotKept(), Progress(build="b1", waits_for="joins"), READY]

    told: list[str | None] = []
    for minute in range(3):
        await world.asking(minute=minute).advance()
        told.append((await stored(world, name)).waits_for)

    assert told == [str(NotKept()), "joins", None]
    assert (await stored(world, name)).state is State.READY


@pytest.mark.parametrize("state", State)
async def test_only_what_failed_or_was_refused_is_queued_again(world: World, state: State) -> None:
    """Whoever has mended the cause asks again; whoever only repeats a question must not undo its answer."""
    name = await world.ask(1)
    old = msgspec.structs.replace(await stored(world, name), state=state, reason="why", build="b1")
    world.memory.put(old.path, msgspec.json.encode(old))

    asked = await world.asking(minute=7).ask(recipe(1))

    if state in {State.FAILED, State.REFUSED}:
        assert (asked.state, asked.reason, asked.build) == (State.QUEUED, None, None)
        assert asked.asked_at > old.asked_at
    else:
        assert asked == old


class Killed(BaseException):
    """The process ends."""


async def test_a_request_that_ends_its_process_comes_after_the_others_and_fails_in_the_end(world: World) -> None:
    """One that needs more memory than there is takes the whole instance with it, scoring too."""
    deadly, good = await world.ask(1), await world.ask(2, minute=1)

    async def die() -> Progress:
        raise Killed

    world.builder.steps = {1: [die] * (MOST_BEGUN + 1), 2: [STARTED, READY]}

    with pytest.raises(Killed):
        await world.asking(budget_s=1e-9).advance()
    await world.asking(budget_s=1e-9).advance()
    await world.asking(budget_s=1e-9).advance()
    while_alive = world.builder.order
    for _ in range(MOST_BEGUN - 1):
        with pytest.raises(Killed):
            await world.asking().advance()
    await world.asking().advance()

    one = await stored(world, deadly)
    assert while_alive == [1, 2, 2]
    assert (await stored(world, good)).state is State.READY
    assert (one.state, one.code) == (State.FAILED, "build_interrupted")
    assert world.builder.order.count(1) == MOST_BEGUN


async def test_a_document_that_cannot_be_read_holds_no_request_up(world: World) -> None:
    name = await world.ask(1)
    world.builder.steps[1] = [READY]
    world.memory.put(request_path("flights", "0" * 32), b'{"format": 2}')

    with pytest.raises(NotEveryRequestAdvanced) as caught:
        await world.asking().advance()

    assert [one.code for one in caught.value.exceptions if isinstance(one, Fault)] == ["invalid_document"]
    assert (await stored(world, name)).state is State.READY


async def test_what_ended_elsewhere_meanwhile_stays_as_it_is(world: World) -> None:
    """The timer runs once; people start commands beside it."""
    name = await world.ask(1)

    async def overtaken() -> Progress:
        await world.asking().advance()
        return STARTED

    world.builder.steps[1] = [overtaken, READY]

    await world.asking().advance()

    assert (await stored(world, name)).state is State.READY


async def test_what_was_queued_again_meanwhile_begins_anew(world: World) -> None:
    name = await world.ask(1)

    async def asked_again() -> Progress:
        await world.requests.change(await stored(world, name), lambda old: old.ended_by(NotKept()))
        await world.ask(1, minute=9)
        return READY

    world.builder.steps[1] = [asked_again]

    await world.asking().advance()

    assert (await stored(world, name)).state is State.QUEUED


async def test_other_models_datasets_are_no_requests() -> None:
    """A model may be called ``requests``, and its datasets lie beside them."""
    world = World()
    world.memory.put(f"datasets/requests/{DATASET}/manifest.json", b"{}")

    assert await world.requests.stored() == []
    assert await world.asking().advance() == []


@given(st.data())
async def test_killed_at_any_write_every_request_comes_to_the_same_end(data: st.DataObject) -> None:
    """Between two writes a process may end: the next one finds what to do by what is stored alone."""
    world = World(builder=Scripted())
    await world.register()
    ends: dict[int, Step] = {1: READY, 2: LetGo("flights", "1", dates=("2026-03-01",)), 3: READY}
    names = {seed: await world.ask(seed, minute=seed) for seed in ends}

    async def perhaps_end() -> None:
        if data.draw(st.booleans(), label="killed"):
            raise Killed

    for minute in range(8):
        world.builder.steps = {seed: [end] for seed, end in ends.items()}
        blobs = MemoryBlobs(world.memory, before_write=perhaps_end)
        try:
            await world.asking(minute=minute, blobs=blobs).advance()
        except Killed:
            continue
    world.builder.steps = {seed: [end] for seed, end in ends.items()}
    await world.asking().advance()

    found = [(await stored(world, name)).state for name in names.values()]
    assert found == [State.READY, State.FAILED, State.READY]
