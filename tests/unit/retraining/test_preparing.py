"""Which hours a challenger learns from, and what of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared import documents
from shared.actuals.reading import Joins
from shared.alerts.outbox import Outbox
from shared.blobs import Blobs, Stored
from shared.clock import Clock
from shared.datasets.manifest import DatasetManifest, Part
from shared.datasets.recipe import Sample
from shared.errors import DatasetTooLarge
from shared.monitor_config import monitor_config_path
from shared.registry.manifest import CHAMPION
from shared.registry.store import Registry
from shared.retraining.actuals import JoinedActuals
from shared.retraining.decision import Decision, Decisions
from shared.retraining.preparing import Material, Preparing
from shared.retraining.situation import Numbers
from shared.retraining.verdicts import Verdict
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from tests.integration.models import registered
from tests.memory import Memory, MemoryBlobs
from tests.unit.retraining.training_sets import LINEAGE, dataset_of

NOW = datetime(2026, 3, 20, tzinfo=UTC)
SETTLED = "2026-03-20T00"
"""Where the last period ends of which all is known, where no decision says otherwise."""


class Dated(MemoryBlobs):
    """Storage that says in which order blobs were written."""

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        async for one in super().under(prefix):
            yield replace(one, modified_at=NOW + timedelta(seconds=int(one.etag.strip('"'))))


@dataclass
class Decided:
    """A champion ``1`` of ``flights``, and decisions about it."""

    blobs: Blobs
    registry: Registry

    def preparing(self) -> Preparing:
        decisions = Decisions(self.blobs, Outbox(self.blobs, self.registry.clock, ()))
        actuals = JoinedActuals(Joins(self.blobs, Manifests(self.blobs)))
        return Preparing(self.blobs, self.registry, actuals, decisions)

    async def decide(self, day: int, verdict: Verdict, *, champion: str = "1", reason: str = "") -> str:
        """Decide about a day of March, and return where that stands."""
        decision = Decision(
            model="flights",
            start=f"2026-03-{day:02}T00",
            end=f"2026-03-{day + 1:02}T00",
            champion=champion,
            challenger=None,
            verdict=verdict,
            rule=None,
            numbers=Numbers(),
            reasons=(reason,),
            would_change_it="",
            config="",
            inputs={},
        )
        await self.preparing().decisions.note(decision)
        found = [one async for one in self.blobs.under("monitoring/decisions/model=flights/2026")]
        return max(found, key=lambda one: one.modified_at).path

    async def follow(self, decision: str, *, version: str) -> None:
        """Register a version that follows a decision."""
        made = registered("flights", version)
        lineage = msgspec.structs.replace(LINEAGE, decision=decision)
        await self.registry.register(msgspec.structs.replace(made.manifest, lineage=lineage), files=made.files)

    async def configure(self, config: bytes) -> None:
        await self.blobs.create(monitor_config_path("flights"), config)

    async def look(self, *, version: str | None = None) -> Material:
        return await self.preparing().look("flights", version=version)


@pytest.fixture
async def decided() -> Decided:
    blobs = Dated(Memory())
    made = Decided(blobs, Registry(blobs, Clock.standing(NOW)))
    one = registered("flights", "1")
    await made.registry.register(one.manifest, files=one.files)
    await made.registry.promote("flights", "1", alias=CHAMPION)
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before=SETTLED)))
    return made


async def said(decided: Decided, *, version: str | None = None) -> tuple[str, str | None]:
    found = await decided.look(version=version)
    return found.end.key, found.decision


async def test_a_decision_to_retrain_that_nobody_followed_holds_whatever_was_decided_since(decided: Decided) -> None:
    await decided.decide(8, Verdict.RETRAIN)
    path = await decided.decide(10, Verdict.RETRAIN)
    for day, verdict in ((11, Verdict.KEEP), (12, Verdict.FIX_DATA)):
        await decided.decide(day, verdict)

    assert await said(decided) == ("2026-03-11T00", path)


async def test_a_decision_that_a_version_follows_is_done_with_and_those_before_it_are(decided: Decided) -> None:
    """The version may be retired since, or wait: what was decided was done."""
    await decided.decide(8, Verdict.RETRAIN)
    path = await decided.decide(10, Verdict.RETRAIN)
    await decided.decide(11, Verdict.KEEP)
    await decided.follow(path, version="2")

    assert await said(decided) == (SETTLED, None)
    assert await said(decided, version="2") == ("2026-03-11T00", path)  # whoever was killed over it does it again
    later = await decided.decide(12, Verdict.RETRAIN)
    await decided.decide(13, Verdict.KEEP)
    assert await said(decided) == ("2026-03-13T00", later)


async def test_the_newest_decision_is_followed_again_while_it_is_to_retrain(decided: Decided) -> None:
    path = await decided.decide(10, Verdict.RETRAIN)
    await decided.follow(path, version="2")

    assert await said(decided) == ("2026-03-11T00", path)


async def test_decisions_about_other_champions_are_not_followed(decided: Decided) -> None:
    await decided.decide(10, Verdict.RETRAIN, champion="0")

    assert await said(decided) == (SETTLED, None)


async def test_of_a_period_that_was_decided_about_again_the_last_decision_counts(decided: Decided) -> None:
    """Actuals that came late have made it another one."""
    for verdict in (Verdict.RETRAIN, Verdict.KEEP):
        await decided.decide(10, verdict)
    await decided.decide(11, Verdict.KEEP)
    taken_back = await said(decided)
    await decided.decide(12, Verdict.KEEP)
    path = await decided.decide(12, Verdict.RETRAIN)
    await decided.decide(13, Verdict.KEEP)

    assert taken_back == (SETTLED, None)
    assert await said(decided) == ("2026-03-13T00", path)


@pytest.mark.parametrize(
    ("config", "delay"),
    [(b"actuals_delay: PT6H\n", timedelta(hours=6)), (b"actuals_delay: PT0H\n", None), (b"{}\n", None)],
    ids=["stated", "at once", "unknown"],
)
async def test_rows_are_as_old_as_actuals_take_where_that_is_known(
    decided: Decided, config: bytes, delay: timedelta | None
) -> None:
    """Nothing has turned out the moment it was asked: without a delay rows are taken as soon as their actuals are there."""
    await decided.configure(config)

    recipe = (await decided.look()).recipe(as_of=NOW, most_rows=1_000)

    assert recipe.actuals.delay == delay
    assert (recipe.as_of, recipe.sample) == (NOW, Sample(rows=1_000))


async def test_how_long_actuals_take_is_what_they_took_where_nobody_says_it(
    decided: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def three_hours(*_: object) -> timedelta:
        return timedelta(hours=3)

    monkeypatch.setattr(JoinedActuals, "delay", three_hours)

    found = await decided.look()

    assert found.end.key == "2026-03-19T00"  # a day is settled once its last actuals have had their time
    assert found.recipe(as_of=None, most_rows=1).actuals.delay == timedelta(hours=3)


async def test_of_more_rows_than_memory_is_for_nothing_is_read(decided: Decided) -> None:
    manifest = await decided.registry.manifest("flights", "1")

    def part(split: str, rows: int) -> Part:
        return Part(file=f"{split}/part-00000.parquet", split=split, sha256="0" * 64, size_bytes=1, rows=rows)

    parts = (part("train", 70), part("validation", 1_000), part("test", 31))
    made: DatasetManifest = msgspec.structs.replace(dataset_of(manifest), parts=parts)

    with pytest.raises(DatasetTooLarge, match=r"has 101 rows .* sample: \{rows: 100\} .* --rows 101"):
        await decided.preparing().draw(made, most_rows=100)
