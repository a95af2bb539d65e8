"""Requests for datasets in a memory, and somebody who builds them as it is said here."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from shared.clock import Clock
from shared.datasets.asking import Asking
from shared.datasets.recipe import Recipe
from shared.datasets.requests import Progress, Requests
from shared.registry.store import Registry
from shared.telemetry import Telemetry
from tests.integration.models import registered
from tests.memory import Memory, MemoryBlobs

AT = datetime(2026, 3, 9, 12, tzinfo=UTC)
Step = Progress | Exception | Callable[[], Awaitable[Progress]]


@dataclass
class Scripted:
    """Plans for the hour that it is, and builds by what is written down: a step a turn, by the seed of the sample."""

    now: datetime = AT
    steps: dict[int, list[Step]] = field(default_factory=dict)
    turns: list[tuple[int, str | None]] = field(default_factory=list)
    accepted: list[tuple[str, ...]] = field(default_factory=list)

    async def resolve(self, recipe: Recipe) -> Recipe:
        return msgspec.structs.replace(
            recipe,
            versions=recipe.versions or ("1",),
            start=recipe.start or "2026-03-01T00",
            end=recipe.end or f"{self.now:%Y-%m-%dT%H}",
            as_of=recipe.as_of or self.now,
        )

    async def advance(
        self,
        recipe: Recipe,
        *,
        build: str | None,
        until_s: float,  # noqa: ARG002 - as called
        accepted: Collection[str],
    ) -> Progress:
        assert recipe.sample is not None
        seed = recipe.sample.seed
        self.accepted.append(tuple(accepted))
        self.turns.append((seed, build))
        step = self.steps[seed].pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Progress) else await step()

    @property
    def order(self) -> list[int]:
        """Return which requests were worked on, in their order."""
        return [seed for seed, _ in self.turns]


@dataclass
class World:
    """A registered model, and what is asked of it."""

    memory: Memory = field(default_factory=Memory)
    builder: Scripted = field(default_factory=Scripted)

    @property
    def blobs(self) -> MemoryBlobs:
        """Return a process's way to the memory."""
        return MemoryBlobs(self.memory)

    @property
    def registry(self) -> Registry:
        """Return the registry."""
        return Registry(self.blobs, Clock.standing(AT))

    @property
    def requests(self) -> Requests:
        """Return the requests."""
        return Requests(self.blobs)

    async def register(self) -> None:
        """Register the model."""
        one = registered("flights", "1")
        await self.registry.register(one.manifest, files=one.files)

    def asking(self, *, minute: int = 0, budget_s: float = 60.0, blobs: MemoryBlobs | None = None) -> Asking:
        """Return what takes requests, as a new process does, so many minutes later."""
        clock = Clock.standing(AT + timedelta(minutes=minute))
        return Asking(
            Requests(blobs or self.blobs),
            self.registry,
            lambda: self.builder,
            lambda: self.builder,
            clock,
            Telemetry.to("", clock=clock),
            max_body_bytes=1_000,
            max_depth=8,
            budget_s=budget_s,
        )

    async def ask(self, seed: int, *, minute: int = 0) -> str:
        """Ask for a dataset, and return the id of the request."""
        return (await self.asking(minute=minute).ask(recipe(seed))).id


def recipe(seed: int) -> Recipe:
    """Return one of many recipes."""
    return msgspec.convert({"model": "flights", "sample": {"rows": 100, "seed": seed}}, Recipe)
