"""A request is answered, kept and reported; or refused, and reported."""

import asyncio
import contextlib
import gc
import json
import re
import uuid
import weakref
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from azure.storage.blob.aio import BlobServiceClient

from shared.blobs import Blobs, Content
from shared.clock import Clock
from shared.errors import (
    Fault,
    InvalidDocument,
    InvalidRows,
    ModelFailed,
    NotKept,
    RequestTooLarge,
    StorageUnavailable,
    UnfitPrivacyKey,
    UnknownModel,
    UnreadableRequest,
    VersionRetired,
)
from shared.registry.manifest import CHAMPION
from shared.registry.store import Registry
from shared.schema import Coarsen, Drop, Hash
from shared.scoring.prediction import Failure, Kept, Prediction
from shared.scoring.scorer import Limits, Scorer
from shared.telemetry import Telemetry
from shared.telemetry.items import Exceptional, Item, Request, Subject
from shared.telemetry.sender import Stats
from tests.integration.models import answer, registered
from tests.integration.stored import own_storage

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
KEY = b"k" * 32
LIMITS = Limits(body_bytes=10_000, rows=100, depth=32)


@dataclass
class Ledger:
    """What was kept, and how the next request is kept."""

    kept: list[Prediction] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    how: Kept = Kept.ACKED
    fault: Exception | None = None

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:
        if self.fault is not None:
            raise self.fault
        self.kept += predictions
        return self.how

    async def keep_failure(self, failure: Failure) -> None:
        self.failures.append(failure)


@dataclass
class Reports:
    """What was reported."""

    items: list[Item] = field(default_factory=list)

    def offer(self, item: Item) -> None:
        self.items.append(item)

    def observe(self, name: str, value: float, subject: Subject) -> None:
        pass

    def stats(self) -> Stats | None:
        return None

    def close(self, timeout_s: float) -> None:
        pass

    def requests(self) -> list[tuple[str | None, str | None, int, bool]]:
        """Return model, version, status and success of every request."""
        return [
            (one.subject.model, one.subject.version, one.status, one.success)
            for one in self.items
            if isinstance(one, Request)
        ]

    def exceptions(self) -> list[str | None]:
        """Return the version of every exception."""
        return [one.subject.version for one in self.items if isinstance(one, Exceptional)]


class Counting(Blobs):
    """Storage that counts how often a model's file is read, and can be away, or hold it back."""

    loads = 0
    away = False

    def __init__(self, service: BlobServiceClient) -> None:
        super().__init__(service)
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def read(self, path: str) -> Content:
        if path.endswith(".onnx"):
            self.loads += 1
            self.begun.put_nowait(path)
            await self.may_go_on.wait()
            if self.away:
                raise StorageUnavailable(path, reason="it is down")
        return await super().read(path)


@pytest.fixture
async def storage(azurite: str) -> AsyncIterator[Counting]:
    """Two versions of the model ``flights``, of which the first answers."""
    async with own_storage(azurite) as blobs:
        counting = Counting(blobs._service)
        registry = Registry(counting, Clock.standing(NOW))
        for version in ("1", "2"):
            one = registered("flights", version)
            await registry.register(one.manifest, files=one.files)
        await registry.promote("flights", "1", alias=CHAMPION)
        counting.loads = 0
        yield counting


@pytest.fixture
def keeper() -> Ledger:
    return Ledger()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@dataclass
class Seconds:
    """Real seconds, by hand."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def scorer(storage: Counting, keeper: Ledger, reports: Reports, seconds: Seconds) -> Scorer:
    clock = Clock.standing(NOW)
    registry = Registry(storage, clock, seconds)
    return Scorer(registry, keeper, clock, LIMITS, Telemetry(lambda: reports, clock=clock))


def body(*distances: float, **members: object) -> bytes:
    return json.dumps({"data": [[distance, "AA"] for distance in distances], **members}).encode()


async def test_the_champion_answers_unless_a_version_is_asked_for(scorer: Scorer) -> None:
    by_alias = await scorer.score("flights", None, body(10), request_id="a")
    by_name = await scorer.score("flights", "2", body(10), request_id="b")

    assert (by_alias.version, by_alias.outputs) == ("1", [{"prediction": answer(10, version="1")}])
    assert (by_name.version, by_name.outputs) == ("2", [{"prediction": answer(10, version="2")}])


async def until_answered_by(scorer: Scorer, version: str) -> list[str]:
    """Return which versions answered, one request after the other, up to the first answer of ``version``."""
    versions: list[str] = []
    async with asyncio.timeout(30.0):
        while version not in versions:
            versions.append((await scorer.score("flights", None, body(10), request_id="a")).version)
            await asyncio.sleep(0)
    return versions


async def test_a_promotion_changes_who_answers_and_nobody_waits_for_its_file(scorer: Scorer, storage: Counting) -> None:
    """A large one takes minutes to read; until it is in memory the version that answered before does so still."""
    await scorer.score("flights", None, body(10), request_id="a")
    storage.may_go_on.clear()

    await scorer.registry.promote("flights", "2", alias=CHAMPION)
    meanwhile = [(await scorer.score("flights", None, body(10), request_id="b")).version for _ in range(3)]
    storage.may_go_on.set()

    assert meanwhile == ["1", "1", "1"]
    assert (await until_answered_by(scorer, "2"))[-1] == "2"
    assert storage.loads == 2, "one for each version, however many asked"


async def test_a_champion_that_cannot_be_loaded_leaves_the_one_before_answering(
    scorer: Scorer, storage: Counting, reports: Reports, seconds: Seconds
) -> None:
    """It is reported, tried again every 5 seconds and not with every request, and answers once it can."""
    await scorer.score("flights", None, body(10), request_id="a")
    storage.away = True

    await scorer.registry.promote("flights", "2", alias=CHAMPION)
    versions: list[str] = []
    async with asyncio.timeout(30.0):
        while not reports.exceptions():
            versions.append((await scorer.score("flights", None, body(10), request_id="b")).version)
            await asyncio.sleep(0)
    versions += [(await scorer.score("flights", None, body(10), request_id="c")).version for _ in range(20)]
    tried = storage.loads
    seconds.now += 5.0
    storage.away = False

    assert set(versions) == {"1"}
    assert tried == 2
    assert reports.exceptions() == ["2"]
    assert (await until_answered_by(scorer, "2"))[-1] == "2"


async def test_without_anybody_before_it_a_champion_is_waited_for(scorer: Scorer, storage: Counting) -> None:
    """Also one that was promoted while the first one was still being loaded."""
    storage.may_go_on.clear()
    first = asyncio.ensure_future(scorer.score("flights", None, body(10), request_id="a"))
    await storage.begun.get()
    await scorer.registry.promote("flights", "2", alias=CHAMPION)
    second = asyncio.ensure_future(scorer.score("flights", None, body(10), request_id="b"))
    await storage.begun.get()
    storage.may_go_on.set()

    assert [(await first).version, (await second).version] == ["1", "2"]


async def test_a_retired_version_does_not_answer_until_that_is_taken_back(
    scorer: Scorer, keeper: Ledger, reports: Reports
) -> None:
    await scorer.score("flights", "2", body(10), request_id="a")

    await scorer.registry.retire("flights", "2")
    with pytest.raises(VersionRetired):
        await scorer.score("flights", "2", body(10), request_id="b")
    others = [(await scorer.score("flights", version, body(10), request_id="c")).version for version in (None, "1")]
    await scorer.registry.reinstate("flights", "2")

    assert others == ["1", "1"]
    assert (await scorer.score("flights", "2", body(10), request_id="d")).version == "2"
    assert [(one.version, one.status, one.code) for one in keeper.failures] == [("2", 410, "version_retired")]
    assert ("flights", "2", 410, False) in reports.requests()


@pytest.mark.parametrize("asked", ["flights", "nobody"])
async def test_a_retired_version_leaves_the_memory_of_every_process(
    scorer: Scorer, seconds: Seconds, asked: str
) -> None:
    """Of one that is asked for something else as well: nobody may ask there for the model any more."""
    await scorer.score("flights", None, body(10), request_id="a")
    await scorer.score("flights", "2", body(10), request_id="b")
    kept, gone = (weakref.ref(scorer._loading._loading["flights", version].result().runtime._model) for version in "12")

    await Registry(scorer.registry.blobs, scorer.clock).retire("flights", "2")
    for _ in range(2):  # what was read before is gone by for as long
        seconds.now += 5.0
        with contextlib.suppress(UnknownModel):
            await scorer.score(asked, None, body(10), request_id="c")
        await asyncio.gather(*filter(None, [scorer._loading._looking]))

    assert gone() is None
    assert kept() is not None


async def test_every_row_is_kept_as_it_was_scored(scorer: Scorer, keeper: Ledger) -> None:
    scored = await scorer.score("flights", None, body(10, 20, external_ids=["a", None]), request_id="own")

    assert [one.id for one in keeper.kept] == scored.ids
    assert {uuid.UUID(one).version for one in scored.ids} == {7}
    first, second = keeper.kept
    assert (first.model, first.version, first.request_id, first.at) == (
        "flights",
        "1",
        "own",
        NOW.isoformat(timespec="microseconds"),
    )
    assert (first.row, first.external_id, first.inputs) == (0, "a", {"distance": 10.0, "carrier": "AA"})
    assert (second.row, second.external_id, second.outputs) == (1, None, {"prediction": answer(20)})


async def test_concurrent_first_requests_load_a_version_once(scorer: Scorer, storage: Counting) -> None:
    """A hundred callers after a start would otherwise hold a hundred copies of the model in memory."""
    scored = await asyncio.gather(*(scorer.score("flights", "1", body(10), request_id=str(one)) for one in range(20)))

    assert {one.version for one in scored} == {"1"}
    assert storage.loads == 1


async def test_what_was_loaded_is_out_of_the_garbage_collectors_way(scorer: Scorer) -> None:
    gc.unfreeze()

    await scorer.score("flights", None, body(10), request_id="a")

    assert gc.get_freeze_count() > 0


async def test_a_load_that_failed_is_tried_again(scorer: Scorer, storage: Counting) -> None:
    storage.away = True
    with pytest.raises(StorageUnavailable):
        await scorer.score("flights", None, body(10), request_id="a")

    storage.away = False

    assert (await scorer.score("flights", None, body(10), request_id="b")).version == "1"


async def test_a_caller_who_goes_away_does_not_stop_the_load_for_the_others(scorer: Scorer) -> None:
    first = asyncio.ensure_future(scorer.score("flights", "1", body(10), request_id="a"))
    others = [asyncio.ensure_future(scorer.score("flights", "1", body(10), request_id=str(one))) for one in range(3)]
    await asyncio.sleep(0.005)

    first.cancel()

    assert {one.version for one in await asyncio.gather(*others)} == {"1"}


async def test_a_model_file_that_was_changed_does_not_answer(scorer: Scorer, storage: Counting) -> None:
    left = await storage.read("models/flights/1/model.onnx")
    await storage.replace("models/flights/1/model.onnx", registered("flights", "2").files["model.onnx"], etag=left.etag)

    with pytest.raises(InvalidDocument):
        await scorer.score("flights", "1", body(10), request_id="a")


@pytest.mark.parametrize("how", list(Kept))
async def test_an_answer_says_how_it_was_kept(scorer: Scorer, keeper: Ledger, how: Kept) -> None:
    """The answer comes first: a prediction that could not be kept is an answer all the same."""
    keeper.how = how

    assert (await scorer.score("flights", None, body(10), request_id="a")).capture is how


async def test_where_predictions_must_be_kept_one_that_is_lost_is_no_answer(scorer: Scorer, keeper: Ledger) -> None:
    scorer.limits = Limits(body_bytes=10_000, rows=100, depth=32, kept_or_refused=True)
    keeper.how = Kept.LOST

    with pytest.raises(NotKept):
        await scorer.score("flights", None, body(10), request_id="a")

    keeper.how = Kept.ACKED
    assert (await scorer.score("flights", None, body(10), request_id="b")).capture is Kept.ACKED


@pytest.fixture
async def private(storage: Counting) -> None:
    """Register version 3, of which carriers are hashed and distances coarsened, and 4, of which nothing is kept."""
    hashed = (("carrier", Hash()), ("distance", Coarsen(step=25)))
    dropped = (("carrier", Drop()), ("distance", Drop()))
    for version, privacy in (("3", hashed), ("4", dropped)):
        one = registered("flights", version, privacy=privacy, privacy_key=KEY)
        await Registry(storage, Clock.standing(NOW)).register(one.manifest, files=one.files)


@pytest.mark.usefixtures("private")
async def test_the_model_is_asked_with_what_came_and_what_is_kept_is_masked(scorer: Scorer, keeper: Ledger) -> None:
    scorer = replace(scorer, privacy_key=KEY)

    scored = await scorer.score("flights", "3", body(60, 10), request_id="a")
    nothing = await scorer.score("flights", "4", body(60), request_id="b")

    assert scored.outputs == [{"prediction": answer(60, version="3")}, {"prediction": answer(10, version="3")}]
    assert nothing.outputs == [{"prediction": answer(60, version="4")}]
    first, second, third = (one.inputs for one in keeper.kept)
    assert [first["distance"], second["distance"]] == [50.0, 0.0]
    assert re.fullmatch("[0-9a-f]{32}", str(first["carrier"]))
    assert first["carrier"] == second["carrier"]
    assert third == {}


@pytest.mark.parametrize("key", [b"", b"K" * 32])
@pytest.mark.usefixtures("private")
async def test_a_version_that_hashes_does_not_answer_without_its_key(
    scorer: Scorer, keeper: Ledger, storage: Counting, key: bytes
) -> None:
    """It could keep values in plain, or nothing, or hashes that link with none before: none of it can be mended later."""
    scorer = replace(scorer, privacy_key=key)

    for _ in range(2):
        with pytest.raises(UnfitPrivacyKey, match="PRIVACY_KEY"):
            await scorer.score("flights", "3", body(10), request_id="a")
    assert (keeper.kept, storage.loads) == ([], 0)

    assert (await scorer.score("flights", "4", body(10), request_id="b")).capture is Kept.ACKED
    scorer = replace(scorer, privacy_key=KEY)
    assert (await scorer.score("flights", "3", body(10), request_id="c")).capture is Kept.ACKED


async def test_nothing_is_kept_of_a_request_that_is_not_answered(scorer: Scorer, keeper: Ledger) -> None:
    for wrong, fault in (
        (b"{", UnreadableRequest),
        (body(10, "ten"), InvalidRows),  # type: ignore[arg-type]
        (body(*range(101)), RequestTooLarge),
        (b" " * 10_001, RequestTooLarge),
        (body(10, 400), ModelFailed),
    ):
        with pytest.raises(fault):
            await scorer.score("flights", None, wrong, request_id="a")

    assert keeper.kept == []


async def test_a_request_without_an_answer_is_kept_as_a_failure(scorer: Scorer, keeper: Ledger) -> None:
    """Rejected requests are news about a model too: a caller that went wrong sends nothing else."""
    for model, version, wrong in (
        ("flights", None, b"{"),
        ("flights", "2", body(10, "ten", 30)),  # type: ignore[arg-type]
        ("flights", None, b" " * 10_001),
        ("flights", None, body(10, 400)),
        ("flights", "9", body(10)),
        ("trains", None, body(10)),
        ("../x", "1", body(10)),
    ):
        with pytest.raises(Fault):
            await scorer.score(model, version, wrong, request_id="own")

    assert [(one.model, one.version, one.status, one.code, one.feature, one.asked) for one in keeper.failures] == [
        ("flights", "1", 400, "unreadable_request", None, None),
        ("flights", "2", 422, "invalid_rows", "distance", None),
        ("flights", "1", 413, "request_too_large", None, None),
        ("flights", "1", 500, "model_failed", None, None),
        ("flights", None, 404, "unknown_model", None, None),
        ("_unknown", None, 404, "unknown_model", None, "trains"),
        ("_unknown", None, 404, "unknown_model", None, "../x"),
    ]
    assert [one.rows for one in keeper.failures] == [None, 3, None, None, None, None, None]
    assert {one.request_id for one in keeper.failures} == {"own"}


async def test_a_row_that_is_too_large_to_keep_is_kept_as_a_failure(scorer: Scorer, keeper: Ledger) -> None:
    keeper.fault = RequestTooLarge("too many bytes in a row's record", size=2, limit=1)

    with pytest.raises(RequestTooLarge):
        await scorer.score("flights", None, body(10), request_id="own")

    assert [one.status for one in keeper.failures] == [413]


async def test_what_nobody_expected_is_kept_as_a_failure_and_raised(scorer: Scorer, keeper: Ledger) -> None:
    keeper.fault = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        await scorer.score("flights", None, body(10), request_id="own")

    assert [(one.status, one.code) for one in keeper.failures] == [(500, "unexpected")]


async def test_where_nothing_can_be_kept_that_is_not_tried_to_be_kept(scorer: Scorer, keeper: Ledger) -> None:
    scorer.limits = Limits(body_bytes=10_000, rows=100, depth=32, kept_or_refused=True)
    keeper.how = Kept.LOST

    with pytest.raises(NotKept):
        await scorer.score("flights", None, body(10), request_id="own")

    assert keeper.failures == []


async def test_a_model_that_storage_cannot_be_asked_about_is_kept_as_an_unknown_one(
    scorer: Scorer, keeper: Ledger, storage: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is kept, and the answer is what it would be without."""

    async def away(path: str) -> None:
        raise StorageUnavailable(path, reason="it is down")

    monkeypatch.setattr(storage, "read", away)
    monkeypatch.setattr(storage, "folders", away)

    with pytest.raises(StorageUnavailable):
        await scorer.score("flights", None, body(10), request_id="own")

    assert [(one.model, one.status, one.asked) for one in keeper.failures] == [("_unknown", 503, "flights")]


async def test_storage_that_is_silent_does_not_hold_up_a_refusal_twice(
    scorer: Scorer, storage: Counting, keeper: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller has waited for it once, through all of the SDK's own tries."""

    async def silent(prefix: str) -> list[str]:
        await asyncio.sleep(60.0)
        return [prefix]

    monkeypatch.setattr(storage, "folders", silent)

    async with asyncio.timeout(10.0):
        with pytest.raises(UnknownModel):
            await scorer.score("nobody", None, body(10), request_id="own")

    assert [(one.model, one.status, one.asked) for one in keeper.failures] == [("_unknown", 404, "nobody")]


async def test_the_largest_request_is_answered_row_by_row(scorer: Scorer) -> None:
    scored = await scorer.score("flights", None, body(*range(100)), request_id="a")

    assert [one["prediction"] for one in scored.outputs] == [answer(distance) for distance in range(100)]
    assert len(set(scored.ids)) == 100


async def test_every_request_is_reported_with_its_version_and_status(scorer: Scorer, reports: Reports) -> None:
    await scorer.score("flights", None, body(10), request_id="own")
    for version, wrong in (("2", body(10, None)), ("2", body(400)), ("9", body(10))):  # type: ignore[arg-type]
        with pytest.raises((InvalidRows, ModelFailed, UnknownModel)):
            await scorer.score("flights", version, wrong, request_id="own")
    with pytest.raises(UnknownModel):
        await scorer.score("a-name-that-a-caller-made-up", None, body(10), request_id="own")

    assert reports.requests() == [
        ("flights", "1", 200, True),
        ("flights", "2", 422, False),
        ("flights", "2", 500, False),
        ("_unknown", "_none", 404, False),
        ("_unknown", "_none", 404, False),
    ]
    assert {one.subject.operation_id for one in reports.items} == {"own"}
    assert len(reports.items) == 6, "and one exception, of the model that failed"
