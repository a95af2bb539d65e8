"""Decide, once a period and model, whether another version should answer."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from shared import documents
from shared.actuals.counting import LATE
from shared.blobs import Blobs
from shared.errors import Fault, UnknownModel
from shared.hours import Hour
from shared.registry.store import Registry
from shared.retraining.actuals import Actuals
from shared.retraining.decision import Decision, Decisions
from shared.retraining.faults import Faults
from shared.retraining.history import put_together
from shared.retraining.losses import loss_of
from shared.retraining.measuring import Measuring
from shared.retraining.model import Model
from shared.retraining.period_losses import Compared, PeriodLosses
from shared.retraining.period_store import PeriodStore, StoredPeriod
from shared.retraining.periods import Period, champion_of, champions_before, in_periods, newest_settled
from shared.retraining.policy import decide
from shared.retraining.pricing import price
from shared.retraining.situation import RECENT, DataFault, Situation
from shared.retraining.verdicts import judge
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)

MOST_PERIODS: Final = 120
"""So many periods are remembered: what a policy learns from."""

CHANGING: Final = LATE
"""So long after a period it is measured again when actuals of it have come; later ones change it no more."""


class NotEveryModelDecided(ExceptionGroup[Fault]):
    """Nothing could be decided about some models, by ``faults``; ``decisions`` are those that were made."""

    faults: Sequence[Fault]
    decisions: list[Decision]

    def __new__(cls, faults: Sequence[Fault], decisions: list[Decision]) -> Self:
        made = super().__new__(cls, "not about every model could be decided", faults)
        made.faults, made.decisions = faults, decisions
        return made


@dataclass(slots=True)
class Deciding:
    """Decides about models."""

    blobs: Blobs
    registry: Registry
    actuals: Actuals
    measuring: Measuring
    periods: PeriodStore
    faults: Faults
    decisions: Decisions
    telemetry: Telemetry

    async def decide_all(self, model: str | None = None, *, again: bool = False) -> list[Decision]:
        """Decide about every model, or one, whose newest settled period was not decided on yet; return the decisions.

        A period is settled once its actuals have had the time they take, and those that came in it are joined. Periods are measured before, as far as they were not, or their actuals have changed. It is decided anew as well when
        another version was promoted, or the configuration has changed; ``again`` does so in any case, which gives the same
        decision where nothing has changed. Killed at any point and called again, it comes to the same state.

        Raises:
            UnknownModel: there is no such model.
            NotEveryModelDecided: about some models it could not be decided; about the others it was.
        """
        if model is not None and not await self.registry.has(model):
            raise UnknownModel(model)
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        found: list[Decision] = []
        failures: list[Fault] = []
        for name in await self.registry.models() if model is None else [model]:
            with self._set_aside(failures, name):
                await self.decisions.finish(name)
                decision = await self._decide(name, watermark.hour, again=again) if watermark else None
                found += [decision] if decision else []
        if failures:
            raise NotEveryModelDecided(failures, found)
        return found

    @contextmanager
    def _set_aside(self, failures: list[Fault], model: str) -> Iterator[None]:
        """Keep a fault for later: models are independent work."""
        try:
            yield
        except Fault as fault:
            self.telemetry.exception(fault, model=model)
            failures.append(fault)

    async def newest(self, model: str) -> Decision:
        """Return the newest decision about a model.

        Raises:
            UnknownModel: there is no such model.
            NoDecision: there is none yet.
        """
        if not await self.registry.has(model):
            raise UnknownModel(model)
        return await self.decisions.newest(model)

    async def _decide(self, name: str, watermark: Hour, *, again: bool) -> Decision | None:
        """Decide about one model; None where nobody answers for it, no period is settled, or nothing has changed."""
        model = await self._model(name)
        if model is None:
            return None
        hours = model.config.retraining.period_hours
        delay = await self._delay(model, watermark)
        pointer = await self.decisions.pointer(name)
        newest = newest_settled(watermark, hours=hours, delay=delay)
        if (pointer is None or pointer.end < newest.end.key) and not await self._is_joined(model, newest, delay):
            newest = newest.plus(-1)
        first = _first(model, newest)
        if first is None:
            return None
        now = (newest.end.key, model.champion.version, model.config.digest)
        if (
            not again
            and pointer is not None
            and pointer.end >= now[0]
            and (pointer.champion, pointer.config) == now[1:]
        ):
            return None
        last = _last(newest, delay)
        known = {one.losses.start: one for one in await self._stored(model, last)}
        for period in first.until(last):
            await self._measure(model, period, known.get(period.key), is_settled=period <= newest)
        stored = await self._stored(model, last)
        faults, inputs = await self.faults.of(model.champion)
        decision = _decided(model, newest, stored, faults, inputs, delay=in_periods(delay, hours=hours))
        await self.decisions.note(decision)
        version = model.champion.version
        self.telemetry.metric("retrain_decisions", 1, model=name, version=version)
        logger.info("retrain decided", extra={"model": name, "version": version, "verdict": str(decision.verdict)})
        return decision

    async def _model(self, name: str) -> Model | None:
        aliases = await self.registry.aliases(name)
        if aliases.champion is None:
            return None
        versions = {one.version: one for one in await self.registry.versions(name)}
        return Model(await self.registry.monitor_config(name), aliases, versions[aliases.champion], versions)

    async def _delay(self, model: Model, watermark: Hour) -> timedelta:
        """Return how long actuals take: as it is stated, or as they took lately; nothing where none has come."""
        if model.config.actuals_delay is not None:
            return model.config.actuals_delay
        first = Hour.containing(watermark.start - CHANGING)
        return await self.actuals.delay(model.champion, first, watermark) or timedelta(0)

    async def _is_joined(self, model: Model, period: Period, delay: timedelta) -> bool:
        """Whether the join has come past the time that the actuals of a period take.

        Where it has not, the period waits, for one period at most: the one before it was settled that long ago, and is
        decided about whatever is joined. So a join that cannot go on holds up no decision for good, and what it adds later
        is measured with the next one, as actuals are that come late.
        """
        end = period.end.plus(in_periods(delay, hours=1))
        is_joined = await self.actuals.is_joined(model.champion.model, period.first, end)
        if not is_joined:
            logger.info("period not joined yet", extra={"model": model.champion.model, "period": period.key})
        return is_joined

    async def _stored(self, model: Model, last: Period) -> list[StoredPeriod]:
        """Return the periods that are stored up to ``last``, those of another length left out."""
        stored = await self.periods.of(model.champion.model)
        hours = model.config.retraining.period_hours
        return [one for one in stored if one.losses.hours == hours and one.losses.start <= last.key]

    async def _measure(self, model: Model, period: Period, known: StoredPeriod | None, *, is_settled: bool) -> None:
        """Measure a period, unless it was, of the same inputs and with the same versions; ask about one that is not settled."""
        name = champion_of(period, model.aliases.history)
        if name is None or name not in model.versions:
            return
        champion = model.versions[name]
        config = model.config.retraining
        loss = loss_of(champion.task, config.loss)
        hours, inputs = await self.measuring.sources(champion, period, is_settled=is_settled)
        before = known.losses if known is not None and known.losses.champion == name else None
        wanted = model.to_ask(name, period)
        if before is not None:
            if not before.inputs.keys() <= inputs.keys():
                # Retention has taken some of it, or actuals were said to take less time then: what it came to stays.
                return
            is_known = before.is_made_of(inputs, loss=loss, most_rows=config.rows_a_period, versions=wanted)
            if is_known and before.is_settled is is_settled:
                return
            # Whoever is a challenger no more was one then.
            wanted += [one.version for one in before.compared if one.version not in wanted]
        versions = [model.versions[one] for one in wanted if one in model.versions]
        measure = self.measuring.measure if is_settled else self.measuring.ask
        await self.periods.store(
            await measure(champion, versions, period, hours, loss=loss, most_rows=config.rows_a_period)
        )


def _first(model: Model, newest: Period) -> Period | None:
    """Return the first period that may have to be measured; None where there is none up to ``newest``.

    None is before the first version was promoted, nor so long ago that its actuals change no more.
    """
    hours = model.config.retraining.period_hours
    promoted = next(one.at for one in model.aliases.history if one.version is not None)
    first = Period.containing(Hour.containing(promoted), hours=hours)
    changing = min(MOST_PERIODS, in_periods(CHANGING, hours=hours))
    first = max(first, newest.plus(1 - max(changing, 1)))
    return first if first <= newest else None


def _last(newest: Period, delay: timedelta) -> Period:
    """Return the last period that was over when the actuals of ``newest`` had had their time.

    It is not the last that is sealed by now: what is decided about a period must not depend on how late that was done.
    """
    return newest.plus(min(delay // timedelta(hours=newest.hours), MOST_PERIODS))


def _decided(
    model: Model,
    newest: Period,
    stored: Sequence[StoredPeriod],
    faults: Sequence[DataFault],
    inputs: Mapping[str, str],
    *,
    delay: int,
) -> Decision:
    """Return what follows from all that is known; actuals take ``delay`` periods, of which those that are over are stored."""
    config, champion = model.config, model.champion
    unsettled = [one.losses for one in stored if one.losses.start > newest.key]
    stored = stored[-MOST_PERIODS - len(unsettled) :]
    losses = [one.losses for one in stored if one.losses.start <= newest.key]
    cost = None
    if config.retrain_cost is not None:
        hours = config.retraining.period_hours
        cost = price(config.retrain_cost, losses[-RECENT:], champion.task, hours=hours)
    named = put_together(losses, model.births, champion=champion.version, unsettled=unsettled)
    place = named.place(champion.version)
    weighed = None if cost is None else decide(named.history, cost=cost, champion=place, delay=delay)
    own = _since_promoted(losses, champion.version)
    situation = Situation(
        champion=champion.version,
        periods=own,
        weighed=weighed,
        is_stated=config.retrain_cost is not None,
        newest=[_newest_asked(one, model.births) for one in own],
        earlier=champions_before(champion.version, model.aliases.history),
        retired=model.aliases.retired,
        faults=faults,
    )
    judged = judge(situation)
    return Decision(
        model=champion.model,
        start=newest.first.key,
        end=newest.end.key,
        champion=champion.version,
        challenger=situation.challenger,
        verdict=judged.verdict,
        rule=None if weighed is None else weighed.rule,
        numbers=judged.numbers,
        reasons=judged.reasons,
        would_change_it=judged.would_change_it,
        config=config.digest,
        inputs={**{one.path: one.sha256 for one in stored}, **inputs},
    )


def _since_promoted(losses: Sequence[PeriodLosses], champion: str) -> list[PeriodLosses]:
    """Return the newest periods, as far back as the champion answered in all of them."""
    own: list[PeriodLosses] = []
    for one in reversed(losses):
        if one.champion != champion:
            break
        own.append(one)
    return own[::-1]


def _newest_asked(period: PeriodLosses, births: Mapping[str, Period]) -> Compared | None:
    """Return the version made last of those, newer than the champion, that were asked in a period."""
    by_age = sorted(births, key=births.__getitem__)
    newer = by_age[by_age.index(period.champion) + 1 :]
    asked = [one for one in period.compared if one.asked and one.version in newer]
    return max(asked, key=lambda one: newer.index(one.version), default=None)
