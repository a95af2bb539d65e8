"""Ask for a dataset, and have what was asked for built, a little at every turn of a timer."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from functools import partial
from http import HTTPStatus
from typing import Final, Protocol

from shared.clock import Clock
from shared.datasets.body import parse_body
from shared.datasets.recipe import Recipe
from shared.datasets.requests import Progress, Request, Requests
from shared.errors import BlobChanged, EventsUnavailable, Fault, RequestTooLarge, StorageUnavailable, UnknownModel
from shared.registry.store import Registry
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)

_PASSING: Final = (StorageUnavailable, BlobChanged, EventsUnavailable)
"""What a retry can help, and what the host is told of: the next turn goes on where this one was."""


class NotEveryRequestAdvanced(ExceptionGroup[Fault]):
    """Some requests could not be worked on, by their faults; they are at the next turn, and the others were at this one."""


class Resolves(Protocol):
    """Whoever knows what there is to take."""

    async def resolve(self, recipe: Recipe) -> Recipe:
        """Return a recipe in which nothing is left open: versions, start, end and as_of are said.

        Raises:
            InvalidRecipe: it asks for what the model does not have.
            NotSealed: it asks for hours that may still be added to.
        """
        ...


class Builds(Protocol):
    """Whoever builds datasets."""

    async def advance(
        self, recipe: Recipe, *, build: str | None, until_s: float, accepted: Collection[str]
    ) -> Progress:
        """Build what a resolved recipe asks for, from where it was, and return how far it has come.

        Killed at any point and called again, it comes to the same dataset. The event loop is others' meanwhile.

        Args:
            recipe: with nothing left open.
            build: what an earlier progress called it, whose plan is not made again; None where it was not planned yet.
            until_s: no step begins after this moment of ``time.monotonic()``; one does at least.
            accepted: names of checks that may fail.

        Raises:
            DatasetRefused: checks failed, and there is no dataset.
            Fault: it cannot be built; with a status of 503, not yet.
        """
        ...


@dataclass(slots=True)
class Asking:
    """Takes requests for datasets, and has them built.

    Who plans and builds is made when there is something to plan or to build: both load libraries that an instance which never
    does need not pay for.
    """

    requests: Requests
    registry: Registry
    planning: Callable[[], Resolves]
    building: Callable[[], Builds]
    clock: Clock
    telemetry: Telemetry
    _: KW_ONLY
    max_body_bytes: int
    max_depth: int
    budget_s: float

    async def receive(self, model: str, body: bytes) -> Request:
        """Ask for what a body says in JSON.

        Raises:
            UnknownModel: the model is not registered.
            RequestTooLarge: the body is over the limit.
            UnreadableRequest: it is not JSON.
            InvalidRecipe: it says something that does not hold, or accepts what cannot be accepted.
            NotSealed: it asks for hours that may still be added to.
        """
        if not await self.registry.has(model):
            raise UnknownModel(model)
        if len(body) > self.max_body_bytes:
            raise RequestTooLarge("too many bytes in the body", size=len(body), limit=self.max_body_bytes)
        said = parse_body(body, model=model, max_depth=self.max_depth)
        return await self.ask(said.recipe, accept=said.accept)

    async def ask(self, recipe: Recipe, *, accept: Sequence[str] = ()) -> Request:
        """Ask for a dataset, and return the request as it stands.

        What was asked before is not asked twice; what failed or was refused then is queued again.

        Args:
            recipe: what is wanted.
            accept: names of checks that may fail.

        Raises:
            UnknownModel: the model is not registered.
            InvalidRecipe: the recipe asks for what the model does not have.
            NotSealed: it asks for hours that may still be added to.
        """
        if not await self.registry.has(recipe.model):
            raise UnknownModel(recipe.model)
        resolved = await self.planning().resolve(recipe)
        return await self.requests.queue(Request.of(resolved, at=self.clock.now(), accept=accept))

    async def advance(self) -> list[Request]:
        """Work on the requests that wait, the oldest first, for ``budget_s`` in all; return those that were worked on.

        One whose work ended its process comes after those whose work did not, so that it holds none of them up for good.

        Raises:
            NotEveryRequestAdvanced: of some the next turn may know more; the others were worked on.
        """
        until_s = time.monotonic() + self.budget_s
        failures: list[Fault] = []
        found: list[Request] = []
        for request in await self._waiting(failures):
            if found and time.monotonic() >= until_s:
                break
            with self._set_aside(failures, request.model):
                found.append(await self._advance(request, until_s=until_s))
        if failures:
            raise NotEveryRequestAdvanced("not every request for a dataset could be worked on", failures)
        return found

    async def _waiting(self, failures: list[Fault]) -> Sequence[Request]:
        found: list[Request] = []
        for stored in await self.requests.stored():
            with self._set_aside(failures, None):
                found.append(await self.requests.read(stored))
        return sorted((one for one in found if one.is_waiting), key=lambda one: (one.begun, one.asked_at, one.path))

    @contextmanager
    def _set_aside(self, failures: list[Fault], model: str | None) -> Iterator[None]:
        """Keep a fault for later: requests are independent work."""
        try:
            yield
        except Fault as fault:
            self.telemetry.exception(fault, model=model)
            failures.append(fault)

    async def _advance(self, request: Request, *, until_s: float) -> Request:
        """Work on one request, and store what came of it."""
        begun = await self.requests.change(request, Request.beginning)
        if not begun.is_waiting:
            return self._told(begun)
        try:
            progress = await self.building().advance(
                begun.recipe, build=begun.build, until_s=until_s, accepted=begun.accept
            )
        except _PASSING:
            await self.requests.change(begun, Request.interrupted)
            raise
        except Fault as fault:
            told = str(fault)
            if fault.status == HTTPStatus.SERVICE_UNAVAILABLE:
                return await self.requests.change(begun, lambda old: old.waiting_for(told))
            self.telemetry.exception(fault, model=begun.model)
            ended = partial(Request.ended_by, fault=fault)
            return self._told(await self.requests.change(begun, ended))
        return self._told(await self.requests.change(begun, partial(Request.after, progress=progress)))

    def _told(self, request: Request) -> Request:
        """Tell that a request has ended, if it has."""
        if not request.is_waiting:
            state = str(request.state)
            self.telemetry.metric("dataset_requests", 1, model=request.model, properties={"state": state})
            logger.info("dataset request ended", extra={"model": request.model, "id": request.id, "state": state})
        return request
