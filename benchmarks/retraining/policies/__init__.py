"""Every policy that is compared: the usual ones, and the best ones known."""

from typing import Final

from benchmarks.retraining.games import Rule
from benchmarks.retraining.policies import cara, detectors, drifted, estimated, ours, regret, schedules

RULES: Final[tuple[Rule, ...]] = (
    ours.OURS,
    schedules.NEVER,
    *schedules.FIXED,
    regret.SKI_RENTAL,
    regret.AVOIDABLE_LOSS,
    estimated.CBPE,
    detectors.ADWIN,
    detectors.DDM,
    detectors.PAGE_HINKLEY,
    detectors.KSWIN,
    drifted.PSI,
    drifted.KS,
    cara.THRESHOLD,
    cara.CUMULATIVE,
    cara.PERIODIC,
)
"""Ours is the one named ``benchmarks.retraining.findings.OURS``."""
