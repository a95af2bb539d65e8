"""A retrain decision as it is stored, and the news of it: told once, whatever ends in between."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from shared import documents
from shared.alerts.messages import DecisionChange
from shared.alerts.outbox import Outbox
from shared.blobs import Blobs
from shared.documents import Document
from shared.errors import BlobChanged, NoDecision
from shared.retraining.experience import Rule
from shared.retraining.situation import Numbers
from shared.retraining.verdicts import Verdict


class Decision(Document, frozen=True, kw_only=True):
    """What to do about a model, decided when a period was settled: the same inputs and configuration give the same bytes.

    Attributes:
        start: key of the first hour of the newest period that is settled.
        end: key of the first hour after it.
        champion: the version that answers.
        challenger: the newest one that was asked beside it; None where none was.
        verdict: what to do.
        rule: what decided whether a retrain pays; None where no cost is stated, or it cannot be priced yet.
        numbers: what the verdict rests on.
        reasons: for a person, with the numbers.
        would_change_it: what would have to be so for another verdict.
        config: SHA-256 of the configuration.
        inputs: the SHA-256 of everything else that was read, by path: periods, alerts, an evaluation.
    """

    model: str
    start: str
    end: str
    champion: str
    challenger: str | None
    verdict: Verdict
    rule: Rule | None
    numbers: Numbers
    reasons: tuple[str, ...]
    would_change_it: str
    config: str
    inputs: dict[str, str]


class NewestDecision(Document, frozen=True, kw_only=True):
    """Which decision of a model is the newest: the fence between all who decide, swapped under its ETag.

    Attributes:
        end: of the decision's period.
        path: where it is.
        verdict: what it says.
        champion: of which version.
        config: by which configuration.
        changes: how often the verdict has changed so far.
        untold: news of the last change that may not be in the outbox yet. Until it is, no decision changes anything.
    """

    end: str
    path: str
    verdict: Verdict
    champion: str
    config: str
    changes: int = 0
    untold: DecisionChange | None = None

    def after(self, decision: Decision, path: str) -> "NewestDecision":
        """Return what a decision makes of it; the same while there is something to tell first, or if it is an older one.

        One of an earlier period is older, unless it is of another version or configuration: a longer ``actuals_delay``
        takes it back what is settled, and would else have nothing said, and everything decided again, until that is made up for.
        """
        is_alike = (decision.champion, decision.config) == (self.champion, self.config)
        if self.untold is not None or (decision.end < self.end and is_alike) or path == self.path:
            return self
        return _pointing(decision, path, before=self.verdict, changes=self.changes)

    @staticmethod
    def first(decision: Decision, path: str) -> "NewestDecision":
        """Return what a model's first decision makes: to keep is what was done until then."""
        return _pointing(decision, path, before=Verdict.KEEP, changes=0)


@dataclass(slots=True)
class Decisions:
    """Every decision there was."""

    blobs: Blobs
    outbox: Outbox

    async def newest(self, model: str) -> Decision:
        """Return the newest decision about a model.

        Raises:
            NoDecision: there is none yet.
        """
        pointer = await self.pointer(model)
        if pointer is None:
            raise NoDecision(model)
        return (await documents.read(self.blobs, pointer.path, Decision))[0]

    async def pointer(self, model: str) -> NewestDecision | None:
        """Return which decision about a model is the newest; None where there is none."""
        return await documents.find(self.blobs, _newest_path(model), NewestDecision)

    async def newest_retrain(self, model: str, champion: str) -> tuple[str, Decision] | None:
        """Return path and content of the newest decision to retrain a version; None where there is none.

        Newer ones to do something else do not take it back. Of a period that was decided about again the last one counts.
        """
        pointer = await self.pointer(model)
        newest = pointer.path if pointer is not None else None
        stored = [one async for one in self.blobs.under(_folder(model)) if one.path != _newest_path(model)]
        stored.sort(key=lambda one: (_start(one.path), one.path == newest, one.modified_at, one.path), reverse=True)
        seen: set[str] = set()
        for one in stored:
            decision, _ = await documents.read(self.blobs, one.path, Decision)
            if decision.champion == champion and decision.start not in seen:
                seen.add(decision.start)
                if decision.verdict is Verdict.RETRAIN:
                    return one.path, decision
        return None

    async def knows(self, change: DecisionChange) -> bool:
        """Whether the newest decision knows that this was told, or has nothing to do with it any more."""
        pointer = await self.pointer(change.model)
        return pointer is None or pointer.untold is None or pointer.untold.id != change.id

    async def finish(self, model: str) -> None:
        """Tell what the newest decision has to tell, where whoever made it ended before."""
        pointer = await self.pointer(model)
        if pointer is not None and pointer.untold is not None:
            await self._tell(model, pointer, pointer.untold)

    async def note(self, decision: Decision) -> None:
        """Store a decision, make it the newest, and tell of it where it says something else than the one before.

        The pointer is swapped together with its news. Then follows the outbox, and the news is taken off at last: what is
        interrupted is completed by the next decision, or by ``finish``, under the same name.
        """
        path = await self._store(decision)
        while True:
            pointer = await documents.swap(
                self.blobs,
                _newest_path(decision.model),
                NewestDecision,
                lambda old: NewestDecision.first(decision, path) if old is None else old.after(decision, path),
            )
            if pointer.untold is None:
                return
            await self._tell(decision.model, pointer, pointer.untold)

    async def _store(self, decision: Decision) -> str:
        """Store a decision under the name of its content, and return its path."""
        data = documents.encode(decision)
        path = f"{_folder(decision.model)}{decision.start}-{hashlib.sha256(data).hexdigest()[:16]}.json"
        try:
            await self.blobs.create(path, data)
        except BlobChanged:
            return path  # the same decision was stored before
        return path

    async def _tell(self, model: str, pointer: NewestDecision, change: DecisionChange) -> None:
        await self.outbox.put_decision(change)
        await documents.swap(self.blobs, _newest_path(model), NewestDecision, _without(pointer))


def _pointing(decision: Decision, path: str, *, before: Verdict, changes: int) -> NewestDecision:
    is_changed = decision.verdict is not before
    number = changes + is_changed
    change = DecisionChange(
        id=f"{decision.model}.decision-{number}.{decision.end}",
        model=decision.model,
        version=decision.champion,
        verdict=decision.verdict,
        before=before,
        reasons=decision.reasons,
        would_change_it=decision.would_change_it,
        decision=path,
    )
    return NewestDecision(
        end=decision.end,
        path=path,
        verdict=decision.verdict,
        champion=decision.champion,
        config=decision.config,
        changes=number,
        untold=change if is_changed else None,
    )


def _without(pointer: NewestDecision) -> Callable[[NewestDecision | None], NewestDecision]:
    """Return what takes the news off, unless somebody else has done so and went on."""
    told = msgspec.structs.replace(pointer, untold=None)
    return lambda old: told if old is None or old == pointer else old


def _folder(model: str) -> str:
    return f"monitoring/decisions/model={model}/"


def _newest_path(model: str) -> str:
    return f"{_folder(model)}_newest.json"


def _start(path: str) -> str:
    """Return the first hour of the period that a decision is about, which its name begins with."""
    return path.rsplit("/", 1)[1].rsplit("-", 1)[0]
