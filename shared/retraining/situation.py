"""What is known of a model when a period is settled: what verdicts are made of."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from shared.retraining.experience import Rule, Weighed
from shared.retraining.losses import Mean, pooled
from shared.retraining.period_losses import Compared, PeriodLosses

RECENT: Final = 4
"""So many periods say how good a version is now."""


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict rests on. Losses are of a mean row; benefits, costs and regrets are such losses times periods.

    Attributes:
        benefit: what a swap is expected to save over ``horizon`` periods: they times ``gap`` times ``lasting``.
        horizon: of how many periods the benefit is.
        lasting: the share of past gaps that was left over such a horizon on average.
        regret: what the newest challengers would have saved since the champion was promoted.
        regret_measured: the part of it that was measured. The rest is estimated, of periods whose actuals have not had their
            time, by how much answers differ there.
        regret_error: the standard error of what was measured.
        cost: of a retrain; None where nobody has said so.
        gap: by how much the champion lost more of a row lately, drawn to 0 by its noise.
        measured_periods: how many periods the regret was measured in.
        champion_loss: in the newest period with actuals.
        champion_loss_error: its standard error.
        challenger_loss: the newest challenger's, on rows of the newest period it was measured in.
        earlier_gap: what the best of the champions before saved of a row, over the last four periods.
        earlier_gap_error: its standard error.
        age: how many periods the champion has answered in.
        predictions: the champion's, in the newest period.
        actuals: how many of those have one.
        actuals_needed: how many more would decide it; None where that is not the question.
    """

    benefit: float | None = None
    horizon: int = 0
    lasting: float | None = None
    regret: float | None = None
    regret_measured: float | None = None
    regret_error: float | None = None
    cost: float | None = None
    gap: float | None = None
    measured_periods: int = 0
    champion_loss: float | None = None
    champion_loss_error: float | None = None
    challenger_loss: float | None = None
    earlier_gap: float | None = None
    earlier_gap_error: float | None = None
    age: int = 0
    predictions: int = 0
    actuals: int = 0
    actuals_needed: int | None = None


@dataclass(frozen=True, slots=True)
class DataFault:
    """Values that are bad in themselves have become common, since the end of the window that first said so."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known when a period is settled.

    Attributes:
        champion: the version that answers now.
        periods: those that it answered in, in their order; the newest may not be among them.
        weighed: by the policy; None where no cost is stated, or it cannot be priced yet.
        is_stated: whether somebody has said what a retrain costs.
        newest: of each of those, the newest challenger that was asked in it; None where none was.
        earlier: the versions that were champion before.
        retired: the versions that answer no more.
        faults: those of the champion that are open.
    """

    champion: str
    periods: Sequence[PeriodLosses]
    weighed: Weighed | None
    is_stated: bool
    newest: Sequence[Compared | None]
    earlier: Sequence[str]
    retired: Collection[str]
    faults: Sequence[DataFault]

    @property
    def asked(self) -> list[Compared]:
        """Return what is known of the newest challengers, of each period that one was asked in."""
        return [one for one in self.newest if one is not None]

    @property
    def challenger(self) -> str | None:
        """Return the newest challenger that was asked; None where none was."""
        return self.asked[-1].version if self.asked else None

    @property
    def to_promote(self) -> str | None:
        """Return the newest challenger that was asked, if it may answer; None where a new version has to be trained."""
        return None if self.challenger in self.retired else self.challenger

    @property
    def challenger_gap(self) -> Mean | None:
        """Return what the newest challengers saved of a row in the last four periods; None where nothing was measured."""
        return pooled([gap for one in self.newest[-RECENT:] if one is not None and (gap := one.mean_gap) is not None])

    @property
    def best_earlier(self) -> tuple[str, Mean] | None:
        """Return the champion of before that is best now, and what it saved of a row in the last four periods."""
        ready = [version for version in self.earlier if version not in self.retired]
        gaps = [(version, gap) for version in ready if (gap := self._recent_gap(version)) is not None]
        return max(gaps, key=lambda one: one[1].value, default=None)

    def _recent_gap(self, version: str) -> Mean | None:
        gaps = [period.gap_of(version) for period in self.periods[-RECENT:]]
        return pooled([gap for gap in gaps if gap is not None])

    @property
    def numbers(self) -> Numbers:
        """Return what a verdict rests on."""
        weighed = None if self.weighed is None or self.weighed.rule is Rule.NOT_MEASURED else self.weighed
        newest = self.periods[-1] if self.periods else None
        known = next((one for period in reversed(self.periods) if (one := period.champion_mean) is not None), None)
        measured = [one for one in self.asked if one.loss is not None]
        best = self.best_earlier
        return Numbers(
            benefit=weighed.benefit if weighed else None,
            horizon=weighed.horizon if weighed else 0,
            lasting=weighed.lasting if weighed else None,
            regret=weighed.regret if weighed else None,
            regret_measured=weighed.measured if weighed else None,
            regret_error=weighed.standard_error if weighed else None,
            cost=self.weighed.cost if self.weighed else None,
            gap=weighed.gap if weighed else None,
            measured_periods=weighed.measured_periods if weighed else 0,
            champion_loss=known.value if known else None,
            champion_loss_error=known.standard_error if known else None,
            challenger_loss=measured[-1].loss if measured else None,
            earlier_gap=best[1].value if best else None,
            earlier_gap_error=best[1].standard_error if best else None,
            age=len(self.periods),
            predictions=newest.predictions if newest else 0,
            actuals=newest.rows if newest else 0,
        )

    def of_all(self, rows: int) -> int:
        """Return how many actuals have to come for so many of the rows that were asked to have one."""
        asked = sum(one.asked for one in self.asked)
        pairs = zip(self.periods, self.newest, strict=True)
        predictions = sum(period.predictions for period, one in pairs if one is not None)
        return math.ceil(rows * predictions / asked)
