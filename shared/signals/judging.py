"""Is a window so different from the baseline that somebody should know?

All judging stands behind ``judge``. The rule today needs two keys for an alarm. It must be **sure**: the p-value, on rows
whose worth is divided by a design effect, is below the share of false alarms that is tolerable, divided by the looks of a
month and by all comparisons of a look (Bonferroni). And it must be **large**: the distance reaches a floor, below which
nobody wants to hear of it, however many rows prove it.

The rule is conservative where rows are independent and can be too eager where they are not at all, as with a season; one
that learns what is usual from the version's own history can take its place here without any caller noticing.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import Bins, FeatureBins, digest
from shared.profiles.profile import FeatureProfile, Profile
from shared.signals import measuring, quality
from shared.signals.judgement import Judgement, Measurement, Signal, Verdict
from shared.signals.measuring import Difference
from shared.signals.significance import ks_rows, share_rows

Part: TypeAlias = tuple[str, FeatureBins, FeatureProfile, FeatureProfile]
"""A feature's or output's name, its bins, its baseline and its current profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingRules:
    """What an alarm must be.

    Attributes:
        false_alarms_per_month: how many are tolerable, over all features and signals of a version, > 0.
        looks_per_month: how often a window is judged in a month, >= 1; 720 is hourly.
        ks_floor: smallest KS distance of a number worth hearing about.
        l_infinity_floor: smallest change of a category's share worth hearing about.
        share_floor: smallest increase of a bad share (missing, unseen, …) worth hearing about.
        noticeable: a distance that must not pass unheard: with fewer rows than would make it sure, silence is ``unknown``
            and not ``ok``. 0.2 is the KS distance of a shift by half a standard deviation.
        minimum_rows: on fewer rows nothing is judged, whatever the numbers; the p-values are approximations for many.
        design_effect: rows that are worth one independent row, >= 1.
    """

    false_alarms_per_month: float = 1.0
    looks_per_month: int = 720
    ks_floor: float = 0.05
    l_infinity_floor: float = 0.05
    share_floor: float = 0.05
    noticeable: float = 0.2
    minimum_rows: int = 100
    design_effect: float = 4.0

    def floor(self, metric: str) -> float:
        """Return what ``metric`` must reach to be worth hearing about."""
        return {"ks": self.ks_floor, "l_infinity": self.l_infinity_floor}.get(metric, self.share_floor)

    def level(self, *, comparisons: int) -> float:
        """Return the p-value below which one of so many comparisons of a look is sure."""
        return self.false_alarms_per_month / self.looks_per_month / max(comparisons, 1)


def judge(baseline: Profile, current: Profile, bins: Bins, *, rules: JudgingRules) -> tuple[Judgement, ...]:
    """Judge one window of a version against its baseline: drift, prediction drift and quality, in this order.

    A feature that cannot be judged (no values, too few rows) is ``unknown`` by itself and does not stop the others.

    Args:
        baseline: profile of the training data, or of an accepted new normal.
        current: profile of the window; one without rows is unknown throughout.
        bins: what both are counted over.
        rules: what an alarm must be.

    Raises:
        IncompatibleProfiles: one of the profiles is counted over other bins.
    """
    wanted = digest(bins)
    for profile in (baseline, current):
        if profile.bins != wanted:
            raise IncompatibleProfiles(f"{profile.bins} where {wanted} are asked for")
    features = _parts(bins.features, baseline.features, current.features)
    outputs = _parts(bins.outputs, baseline.outputs, current.outputs)
    rows = baseline.rows, current.rows
    found = {
        Signal.DRIFT: _drifts(features, rules),
        Signal.PREDICTION_DRIFT: _drifts(outputs, rules),
        Signal.QUALITY: [
            difference
            for part in features + outputs
            for difference in quality.quality(*part, rows=rows, design_effect=rules.design_effect)
        ],
    }
    level = rules.level(comparisons=sum(map(len, found.values())))
    return tuple(
        _judgement(signal, [_weigh(difference, rules, level=level) for difference in differences])
        for signal, differences in found.items()
    )


def _parts(
    bins: dict[str, FeatureBins], baseline: dict[str, FeatureProfile], current: dict[str, FeatureProfile]
) -> list[Part]:
    return [(name, kind, baseline[name], current[name]) for name, kind in bins.items()]


def _drifts(parts: list[Part], rules: JudgingRules) -> list[Difference]:
    measured = (measuring.drift(*part, design_effect=rules.design_effect) for part in parts)
    return [difference for difference in measured if difference is not None]


def _weigh(difference: Difference, rules: JudgingRules, *, level: float) -> Measurement:
    """Judge one comparison; ``level`` is the p-value below which it is sure."""
    floor = rules.floor(difference.metric)
    needed = _rows_needed(difference, rules, level=level)
    verdict, why = _verdict(difference, rules, level=level, needed=needed)
    return Measurement(
        feature=difference.feature,
        metric=difference.metric,
        value=difference.value,
        threshold=floor,
        p_value=difference.p_value,
        rows=difference.rows,
        needed=needed,
        verdict=verdict,
        reason=f"{difference.feature}: {why}",
        also=difference.also,
    )


def _verdict(difference: Difference, rules: JudgingRules, *, level: float, needed: int | None) -> tuple[Verdict, str]:
    """Return the verdict and why, in words."""
    value, p_value = difference.value, difference.p_value
    if not difference.baseline_rows:
        return Verdict.UNKNOWN, f"{difference.metric}: the baseline holds no value to compare with"
    if value is None or p_value is None or difference.rows < rules.minimum_rows:
        return Verdict.UNKNOWN, _too_few(difference, needed)
    floor = rules.floor(difference.metric)
    if value >= floor and p_value < level:
        return Verdict.BREACH, f"{difference.words}, past {floor:g} and not by chance (p = {p_value:.1g})"
    if needed is None or difference.rows < needed:
        return Verdict.UNKNOWN, _too_few(difference, needed)
    if value >= floor:
        return Verdict.OK, f"{difference.words}, past {floor:g} but perhaps by chance (p = {p_value:.1g})"
    return Verdict.OK, f"{difference.words}, within {floor:g}"


def _too_few(difference: Difference, needed: int | None) -> str:
    if needed is None:
        return f"{difference.metric}: the baseline's {difference.baseline_rows} rows are too few for any window"
    return f"{difference.metric}: {difference.rows} rows, {needed} needed"


def _rows_needed(difference: Difference, rules: JudgingRules, *, level: float) -> int | None:
    """Return the rows of a window on which a noticeable difference would be sure; None if the baseline rules it out.

    n rows against m are worth n * m / (n + m), which stays below n however many there are in m.
    """
    if difference.metric == "ks":
        worth = ks_rows(rules.noticeable, p_value=level)
    else:
        worth = share_rows(rules.noticeable, bins=difference.bins, p_value=level)
    worth *= rules.design_effect
    n = difference.baseline_rows
    if n <= worth:
        return None
    return max(math.ceil(worth * n / (n - worth)), rules.minimum_rows)


def _judgement(signal: Signal, measurements: list[Measurement]) -> Judgement:
    ranked = tuple(sorted(measurements, key=_rank))
    breaches = [measurement for measurement in ranked if measurement.verdict is Verdict.BREACH]
    unknown = [measurement for measurement in ranked if measurement.verdict is Verdict.UNKNOWN]
    reasons = [measurement.reason for measurement in breaches]
    if unknown:
        reasons.append(f"{len(unknown)} of {len(ranked)} comparisons could not be judged: {unknown[0].reason}")
    if not ranked:
        reasons.append("there is nothing to compare")
    if breaches:
        verdict = Verdict.BREACH
    elif len(unknown) == len(ranked):
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.OK
    return Judgement(
        signal=signal,
        verdict=verdict,
        reasons=tuple(reasons) or (f"none of {len(ranked)} comparisons is both sure and large",),
        measurements=ranked,
    )


def _rank(measurement: Measurement) -> tuple[int, float, str, str]:
    order = (Verdict.BREACH, Verdict.UNKNOWN, Verdict.OK).index(measurement.verdict)
    return order, -(measurement.value or 0.0), measurement.feature, measurement.metric
