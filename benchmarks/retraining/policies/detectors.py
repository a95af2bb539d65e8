"""By the drift detectors of river, on the champion's errors."""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, Literal, Protocol
from unittest.mock import patch

from benchmarks.retraining.games import Policy, Rule, Seen


class Detector(Protocol):
    """What river calls a drift detector."""

    @property
    def drift_detected(self) -> bool:
        """Return whether the newest value made it signal."""
        ...

    def update(self, x: bool) -> object:  # noqa: FBT001 - river's signature
        """Take the next value."""
        ...


class RiverIsMissing(ImportError):
    """The drift detectors are not installed."""

    def __init__(self) -> None:
        super().__init__("the drift detectors are river's: pip install -e '.[bench]'")


def _rule(name: str, make: Callable[[], Detector]) -> Rule:
    """Return the rule that swaps when a detector signals.

    It is fed whether the champion is wrong, row by row, as actuals become known, and begins anew at every swap. Rows after
    the one that makes it signal are not fed: they are the old champion's.
    """

    def begin() -> Policy:
        detector, champion, fed = make(), -1, 0

        def has_drifted(seen: Seen) -> bool:
            nonlocal detector, champion, fed
            if seen.champion != champion:
                detector, champion, fed = make(), seen.champion, seen.champion
            for period in range(fed, seen.known_periods):
                fed = period + 1
                if _signals(detector, seen.errors(champion, period).tolist()):
                    return True
            return False

        return has_drifted

    return Rule(name=name, begin=begin)


def _signals(detector: Detector, errors: Sequence[bool]) -> bool:
    """Return whether the detector signals at one of these."""
    with patch("river.drift.kswin.stats", _Remembered):
        for is_wrong in errors:
            detector.update(is_wrong)
            if detector.drift_detected:
                return True
    return False


class _Remembered:
    """Stands in for scipy in river's KSWIN, which asks it for the same few tests of zeros and ones at every row: 0.4 ms each."""

    @staticmethod
    def ks_2samp(first: Sequence[bool], second: Sequence[bool], *, method: Literal["auto"]) -> tuple[float, float]:
        """Return the statistic and the p-value."""
        return _ks_of_flags(sum(first), len(first), sum(second), len(second), method)


@cache
def _ks_of_flags(
    first: int, of_first: int, second: int, of_second: int, method: Literal["auto"]
) -> tuple[float, float]:
    from scipy.stats import ks_2samp

    samples = [[1] * ones + [0] * (rows - ones) for ones, rows in ((first, of_first), (second, of_second))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)
        tested = ks_2samp(samples[0], samples[1], method=method)
    return float(tested.statistic), float(tested.pvalue)


def _river(name: str, **options: int) -> Callable[[], Detector]:
    """Return what makes a detector of river with its own defaults, save ``options``."""

    def make() -> Detector:
        try:
            from river.drift import ADWIN, KSWIN, PageHinkley
            from river.drift.binary import DDM
        except ImportError as error:
            raise RiverIsMissing from error
        makers: dict[str, Callable[..., Detector]] = {
            "ADWIN": ADWIN,
            "DDM": DDM,
            "KSWIN": KSWIN,
            "PageHinkley": PageHinkley,
        }
        return makers[name](**options)

    return make


ADWIN: Final = _rule("ADWIN", _river("ADWIN"))
DDM: Final = _rule("DDM", _river("DDM"))
PAGE_HINKLEY: Final = _rule("Page-Hinkley", _river("PageHinkley"))
# It draws rows; without a seed every run would give other figures.
KSWIN: Final = _rule("KSWIN", _river("KSWIN", seed=1))
