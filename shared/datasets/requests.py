"""Requests for datasets: what was asked, how far it has come, and what became of it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

import msgspec

from shared import documents
from shared.blobs import Blobs, Stored
from shared.datasets.manifest import Check, Outcome
from shared.datasets.paths import REQUESTS, request_path
from shared.datasets.recipe import Recipe
from shared.documents import Document, Reader
from shared.errors import BlobMissing, DatasetRefused, Fault

ID_DIGITS: Final = 32
"""So much of the digest of what is asked names a request; a dataset's own name is longer, so that neither is taken for the other."""

MOST_BEGUN: Final = 10
"""So often a process may end in the middle of a request's work; then it is the request that ends it."""


class State(StrEnum):
    """How it stands with a request."""

    QUEUED = "queued"
    BUILDING = "building"
    READY = "ready"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a build has come.

    Attributes:
        build: its name, by which it goes on.
        done: how many of its steps are.
        steps: how many it has; 0 where that is not known yet.
        waits_for: what has to happen before it can go on, in words; None where it goes on at once.
        checks: of the dataset, once they were made.
        dataset: its name, once it is there; checks without one are those of a dataset that is refused.
    """

    build: str | None
    done: int = 0
    steps: int = 0
    waits_for: str | None = None
    checks: tuple[Check, ...] = ()
    dataset: str | None = None


class Request(Document, frozen=True, kw_only=True):
    """One question for a dataset; the same question is the same request, however often and by whomever it is asked.

    Attributes:
        id: the beginning of the digest of what is asked.
        recipe: with nothing left open: versions, start, end and as_of are said.
        accept: names of checks that may fail.
        build: the name of the build that answers it, once it is planned.
        done: how many of its steps are.
        steps: how many it has; 0 until it is planned.
        waits_for: what has to happen before it goes on; None where nothing has to.
        dataset: what came of it.
        code: of the fault that ended it.
        reason: why there is no dataset, in words.
        checks: of the dataset, or of that which was refused.
        begun: how often a process has begun to work on it, since one came out of that again.
    """

    id: str
    model: str
    recipe: Recipe
    accept: tuple[str, ...] = ()
    asked_at: datetime
    state: State = State.QUEUED
    build: str | None = None
    done: int = 0
    steps: int = 0
    waits_for: str | None = None
    dataset: str | None = None
    code: str | None = None
    reason: str | None = None
    checks: tuple[Check, ...] = ()
    begun: int = 0

    @classmethod
    def of(cls, resolved: Recipe, *, at: datetime, accept: Sequence[str] = ()) -> Self:
        """Return the request for what a recipe says, in which nothing is left open; to accept more is to ask something else."""
        digest = (
            hashlib.sha256("|".join([resolved.digest, *accept]).encode()).hexdigest() if accept else resolved.digest
        )
        return cls(id=digest[:ID_DIGITS], model=resolved.model, recipe=resolved, accept=tuple(accept), asked_at=at)

    @property
    def path(self) -> str:
        """Return where it is stored."""
        return request_path(self.model, self.id)

    @property
    def is_waiting(self) -> bool:
        """Whether there is something left to do."""
        return self.state in {State.QUEUED, State.BUILDING}

    def beginning(self) -> Self:
        """Return it as it stands while it is worked on; failed, where that has ended too many processes."""
        if self.begun < MOST_BEGUN:
            return msgspec.structs.replace(self, state=State.BUILDING, begun=self.begun + 1)
        return msgspec.structs.replace(
            self,
            state=State.FAILED,
            code="build_interrupted",
            reason=(
                f"{MOST_BEGUN} processes ended in the middle of it, one after another: ask for less, give it more memory "
                "(DATASETS_MEMORY_MIB) or build it on a larger machine (python manage.py dataset build)"
            ),
        )

    def interrupted(self) -> Self:
        """Return it as it stands when the work ended in good order, and is to go on where it was."""
        return msgspec.structs.replace(self, begun=0)

    def waiting_for(self, told: str) -> Self:
        """Return it as it stands while something else has to happen first."""
        return msgspec.structs.replace(self, waits_for=told, begun=0)

    def after(self, progress: Progress) -> Self:
        """Return what progress makes of it."""
        state = State.BUILDING
        code = reason = None
        if progress.dataset is not None:
            state = State.READY
        elif progress.checks:
            state, code = State.REFUSED, DatasetRefused.code
            reason = self._refused_by(
                [one for one in progress.checks if one.outcome is Outcome.FAILED and not one.accepted]
            )
        return msgspec.structs.replace(
            self,
            state=state,
            build=progress.build,
            done=progress.done,
            steps=progress.steps,
            waits_for=progress.waits_for,
            dataset=progress.dataset,
            code=code,
            reason=reason,
            checks=progress.checks,
            begun=0,
        )

    def _refused_by(self, failed: Sequence[Check]) -> str:
        reasons = [one.reason for one in failed]
        if all(one.acceptable for one in failed):
            names = ", ".join(f'"{name}"' for name in sorted({*self.accept, *(one.name for one in failed)}))
            reasons.append(f'to take it as it is, ask with "accept": [{names}] in the body')
        return "; ".join(reasons)

    def ended_by(self, fault: Fault) -> Self:
        """Return what a fault makes of it that no retry can help."""
        state = State.REFUSED if isinstance(fault, DatasetRefused) else State.FAILED
        return msgspec.structs.replace(self, state=state, code=fault.code, reason=str(fault), waits_for=None, begun=0)


@dataclass(slots=True)
class Requests:
    """Every request there was."""

    blobs: Blobs
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

    async def find(self, model: str, name: str) -> Request | None:
        """Return a request; None where there is none."""
        return await documents.find(self.blobs, request_path(model, name), Request)

    async def stored(self) -> list[Stored]:
        """Return where the requests of all models are."""
        return [one async for one in self.blobs.under(f"{REQUESTS}model=")]

    async def read(self, stored: Stored) -> Request:
        """Return a request that was listed.

        Raises:
            BlobMissing: it is gone.
            InvalidDocument: it cannot be read.
        """
        return (await self._reader.read(stored.path, Request, etag=stored.etag)).document

    async def queue(self, request: Request) -> Request:
        """Queue a request, and return it as it stands: one that failed or was refused is queued again, no other twice."""

        def queued(old: Request | None) -> Request:
            return old if old and old.state not in {State.FAILED, State.REFUSED} else request

        return await documents.swap(self.blobs, request.path, Request, queued)

    async def change(self, request: Request, change: Callable[[Request], Request]) -> Request:
        """Change a request while there is something left to do, and return it as it stands.

        Another process may have worked on it at the same time: what has ended there, or was queued again, stays as it is.

        Raises:
            BlobMissing: it is gone.
        """

        def changed(old: Request | None) -> Request:
            if old is None:
                raise BlobMissing(request.path)
            return change(old) if old.is_waiting and old.asked_at == request.asked_at else old

        return await documents.swap(self.blobs, request.path, Request, changed)
