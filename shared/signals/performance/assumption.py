"""Do actuals still follow from what estimates are made of: asked whenever actuals have come.

What was expected of these rows is held against what turned out, on the whole and in parts, and the furthest of these is what
counts, times how many there are. Nothing is asked of how features moved: that is what estimates take into account.

Source:
    Spiegelhalter, "Probabilistic prediction in patient management and clinical trials", Statistics in Medicine 5 (1986), with
    the error of the calibration, and clusters, in its variance.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.signals.judgement import Verdict
from shared.signals.performance.checked import Checked
from shared.signals.performance.estimate import Metric, quantile
from shared.signals.performance.losses import LossModel, Unanswered
from shared.signals.performance.predicting import MANY
from shared.signals.performance.recalibration import Recalibration
from shared.signals.performance.rows import Classified, Clusters, Floats
from shared.signals.performance.spread import effective

LEVEL: Final = 0.01
"""How often a check fails where the assumption holds."""

FEWEST_ROWS: Final = 50
_BINS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gap:
    """What was expected of a number and what turned out; it lies between 0 and 1 if ``is_share``, and above 0 if not."""

    what: str
    expected: float
    found: float
    error: float
    degrees: float
    is_share: bool

    @property
    def p_value(self) -> float:
        """Return the chance of a gap as wide, either way.

        By a binomial or a gamma distribution of the same mean and variance: where one answer in a hundred should be wrong,
        a normal one makes sure of the second. Where clusters are few, it is no less than Student's.
        """
        from scipy.special import betainc, gammainc, gammaincc, stdtr

        if self.error == 0 or not 0 < self.expected < (1 if self.is_share else math.inf):
            return 1.0
        by_clusters = 2 * float(stdtr(self.degrees, -abs(self.found - self.expected) / self.error))
        if self.is_share:
            rows = max(self.expected * (1 - self.expected) / self.error**2, 1.0)
            hits = min(max(rows * self.found, 0.0), rows)
            above = betainc(hits, rows - hits + 1, self.expected) if hits > 0 else 1.0
            below = 1 - betainc(hits + 1, rows - hits, self.expected) if hits < rows else 1.0
        else:
            shape = (self.expected / self.error) ** 2
            scaled = shape * max(self.found, 0.0) / self.expected
            above, below = gammaincc(shape, scaled), gammainc(shape, scaled)
        by_shape = min(1.0, 2 * float(min(above, below)))
        return max(by_shape, by_clusters) if self.degrees < MANY else by_shape


def check_probabilities(
    recalibration: Recalibration, rows: Classified, *, level: float = LEVEL, noticeable: float = 0.1
) -> Checked:
    """Check that classes turn out as often as calibrated probabilities say.

    Overall, in five bins of the probability, in how many answers are right, and in the Brier score.

    Args:
        recalibration: what estimates are made from.
        rows: those whose actuals came since, with probabilities.
        level: how often it fails where the assumption holds.
        noticeable: a difference of the share of right answers that must not pass unheard: where rows are too few to have
            seen it, silence is unknown.
    """
    if len(rows) < FEWEST_ROWS:
        return _too_few(len(rows))
    future = recalibration.apply(rows.answers)
    expected, happened = future.probabilities, rows.indicators
    clusters = Clusters.of(rows.answers.clusters, rows=len(rows))

    def gap(what: str, per_actual: Floats, *, is_share: bool = True) -> _Gap:
        moves = (per_actual * (happened - expected)).sum(axis=1)
        error, degrees = _error(moves, np.abs(per_actual).sum(axis=1), future.variance(per_actual), clusters)
        before, now = float((per_actual * expected).sum()), float((per_actual * happened).sum())
        return _Gap(what=what, expected=before, found=now, error=error, degrees=degrees, is_share=is_share)

    shares = rows.answers.each_weight / rows.answers.each_weight.sum()
    answered = np.eye(len(recalibration.classes))[rows.answers.predicted]
    right = gap("the share of right answers", shares[:, None] * answered)
    off = (expected * expected).sum(axis=1)[:, None] + 1 - 2 * expected
    gaps = [right, gap("the squared distance from what turned out", shares[:, None] * off, is_share=False)]
    if len(recalibration.classes) == 2:
        watched, scores = np.eye(2)[np.ones(len(rows), np.int64)], expected[:, 1]
        name = f"the share of {recalibration.classes[1]}"
        gaps.append(gap(name, shares[:, None] * watched))
    else:
        watched, scores = answered, expected[np.arange(len(rows)), rows.answers.predicted]
        name = "the share of right answers"
        gaps += [
            gap(f"the share of {one}", shares[:, None] * np.eye(len(recalibration.classes))[place][None, :])
            for place, one in enumerate(recalibration.classes)
        ]
    gaps += [
        gap(f"{name} in part {place + 1} of {_BINS} by probability", part[:, None] * watched)
        for place, part in _parts(scores, shares)
    ]
    return _checked(gaps, right, noticeable, rows=len(rows), level=level)


def check_losses(
    model: LossModel, rows: Unanswered, actual: Floats, *, level: float = LEVEL, noticeable: float = 0.3
) -> Checked:
    """Check that losses are as large as a model of them says: overall and in five bins of what is expected.

    Args:
        model: what estimates are made from.
        rows: those whose actuals came since.
        actual: of each row, what turned out.
        level: how often it fails where the assumption holds.
        noticeable: a difference, as a share of the expected loss, that must not pass unheard.
    """
    if len(actual) < FEWEST_ROWS:
        return _too_few(len(actual))
    clusters = Clusters.of(rows.clusters, rows=len(actual))
    future = model.apply(Metric.MAE, rows)
    losses = np.abs(actual - rows.predicted)

    def gap(what: str, shares: Floats) -> _Gap:
        moves = shares * (losses - future.expected)
        error, degrees = _error(moves, shares, future.variance(shares), clusters)
        before, now = float(np.dot(shares, future.expected)), float(np.dot(shares, losses))
        return _Gap(what=what, expected=before, found=now, error=error, degrees=degrees, is_share=False)

    whole = gap("the mean absolute error", rows.shares)
    parts = [
        gap(f"the mean absolute error in part {place + 1} of {_BINS} by what is expected", part)
        for place, part in _parts(future.expected, rows.shares)
    ]
    return _checked([whole, *parts], whole, noticeable * whole.expected, rows=len(actual), level=level)


def _parts(values: Floats, shares: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield the shares of the rows in each of five bins, adding up to 1; bins that equal values leave empty are left out."""
    edges = np.quantile(values, np.arange(1, _BINS) / _BINS)
    bins = np.searchsorted(edges, values, side="right")
    for place in np.unique(bins).tolist():
        inside = np.where(bins == place, shares, 0.0)
        yield place, inside / inside.sum()


def _error(moves: Floats, basis: Floats, variance: float, clusters: Clusters) -> tuple[float, float]:
    """Return the standard error of a gap, and its degrees of freedom.

    It is what was expected of it, unless these rows' own clusters stray further. They are centred, or a gap that all clusters
    share would be its own excuse.
    """
    if clusters.places is None:
        return math.sqrt(variance), MANY
    sums, bases = clusters.sums(moves), clusters.sums(basis)
    centred = sums - bases * float(sums.sum() / bases.sum())
    own = float(np.dot(centred, centred)) * clusters.count / max(clusters.count - 1, 1)
    return math.sqrt(max(variance, own)), max(effective(bases) - 1, 1.0)


def _checked(gaps: Sequence[_Gap], main: _Gap, noticeable: float, *, rows: int, level: float) -> Checked:
    furthest = min(gaps, key=lambda one: one.p_value)
    p_value = min(1.0, furthest.p_value * len(gaps))
    found = f"{furthest.what} is {furthest.found:.3g} where {furthest.expected:.3g} was expected"
    if p_value < level:
        return Checked(verdict=Verdict.BREACH, p_value=p_value, reason=found, rows=rows)
    if quantile(0.95, main.degrees) * main.error > noticeable:
        reason = f"{rows} rows would not tell {main.what} from one that is off by {noticeable:.3g}"
        return Checked(verdict=Verdict.UNKNOWN, p_value=p_value, reason=reason, rows=rows)
    return Checked(verdict=Verdict.OK, p_value=p_value, reason=f"at most chance: {found}", rows=rows)


def _too_few(rows: int) -> Checked:
    return Checked(verdict=Verdict.UNKNOWN, p_value=None, reason=f"{rows} rows, {FEWEST_ROWS} are needed", rows=rows)
