"""An estimate and the later truth, kept together, so that the estimate's honesty can be read off."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.signals.performance.estimate import Estimate, Metric, Performance


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """What was estimated of some rows, and what turned out of the same."""

    metric: Metric
    estimated: Estimate
    realised: Estimate

    @property
    def covers(self) -> bool:
        """Say whether what turned out lies within the interval, which is for these very rows: it is not widened again."""
        return self.estimated.low <= self.realised.value <= self.estimated.high


def side_by_side(estimated: Performance, realised: Performance) -> Iterator[SideBySide]:
    """Yield every metric that both know, of the same rows with the same weights."""
    for metric, estimate in estimated.items():
        truth = realised.get(metric)
        if isinstance(estimate, Estimate) and isinstance(truth, Estimate):
            yield SideBySide(metric=metric, estimated=estimate, realised=truth)
