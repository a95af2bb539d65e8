"""Replay the stored periods of a model through policies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.blobs import Blobs
from shared.hours import Hour
from shared.monitor_config import MonitorConfig
from shared.registry.store import Registry
from shared.retraining.history import born, put_together
from shared.retraining.period_losses import PeriodLosses
from shared.retraining.period_store import PeriodStore
from shared.retraining.periods import in_periods
from shared.retraining.pricing import price
from shared.retraining.replay import Past, Replayed, replayed
from shared.signals.judgement import Signal


@dataclass(slots=True)
class Replaying:
    """Replays periods; it writes nothing."""

    blobs: Blobs
    registry: Registry
    periods: PeriodStore

    async def replay(
        self, model: str, config: MonitorConfig, *, start: Hour | None = None, end: Hour | None = None
    ) -> Replayed | None:
        """Return what policies would have come to, over the periods between two hours that are stored.

        Losses are known as late as the configuration states; those of the champion, where it does not, when their period
        ends. Drift alarms are those of the version that did answer.

        Args:
            model: which.
            config: how a retrain is priced, and how long a period is.
            start: before it no period begins; None for the first there is.
            end: after it none ends.

        Returns:
            None where no cost is stated, or no period has a loss.

        Raises:
            UnknownModel: there is no such model.
        """
        hours = config.retraining.period_hours
        versions = await self.registry.versions(model)
        stored = [one.losses for one in await self.periods.of(model)]
        wanted = [one for one in stored if one.is_settled and one.hours == hours and _is_within(one, start, end)]
        counted = [one for one in wanted if one.mean is not None]
        if not counted or config.retrain_cost is None:
            return None
        cost = price(config.retrain_cost, counted, versions[0].task, hours=hours)
        if cost is None:
            return None
        births = {one.version: born(one, hours=hours) for one in versions}
        named = put_together(counted, births, champion=counted[0].champion)
        delay = in_periods(config.actuals_delay or timedelta(0), hours=hours)
        return replayed(
            model,
            Past.of(named.history, delay=delay),
            named.versions,
            named.periods,
            cost=cost,
            alarms=await self._alarms(model, counted),
            unknown=len(wanted) - len(counted),
        )

    async def _alarms(self, model: str, periods: Sequence[PeriodLosses]) -> list[bool] | None:
        """Return of each period whether an alert of drift was opened in it; None where nothing was evaluated."""
        if not await self.blobs.folders(f"monitoring/evaluations/model={model}/"):
            return None
        opened: dict[str, list[Hour]] = {}
        for version in {one.champion for one in periods}:
            folder = f"monitoring/alerts/model={model}/version={version}/signal={Signal.DRIFT}/"
            alerts = [
                alert
                async for stored in self.blobs.under(folder)
                if (alert := await documents.find(self.blobs, stored.path, Alert)) is not None
            ]
            # The window that opened it ended then: what it saw came before.
            opened[version] = [Hour.containing(alert.opened_at).plus(-1) for alert in alerts]
        return [any(_is_in(hour, one) for hour in opened[one.champion]) for one in periods]


def _is_in(hour: Hour, period: PeriodLosses) -> bool:
    return hour.is_within(Hour.parse(period.start), Hour.parse(period.end))


def _is_within(period: PeriodLosses, start: Hour | None, end: Hour | None) -> bool:
    is_early = start is not None and Hour.parse(period.start) < start
    return not is_early and (end is None or Hour.parse(period.end) <= end)
