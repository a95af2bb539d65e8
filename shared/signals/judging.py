"""Is a window so different from the baseline that somebody should know?

All judging stands behind ``judge``. Two keys open an alarm. It must be **sure**: rarer than the budget of false alarms allows,
by what the version's own history says of such windows (``calibration``). And it must be **large**: the distance reaches a
floor, below which nobody wants to hear of it, however many rows prove it, with what chance may have added to it and what is
usual at that moment taken off.

As long as there is too little history a conservative rule is used: a p-value, on rows whose worth is divided by a design
effect, below the share of false alarms that is tolerable, divided by the looks of a month and by all comparisons of a look
(Bonferroni). It is used for bad values always, whose shares are usually 0 and so have no history.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import Bins, FeatureBins, digest
from shared.profiles.joint_bins import JointBins
from shared.profiles.profile import FeatureProfile, Profile
from shared.signals import measuring, quality
from shared.signals.calibration.telling import Told
from shared.signals.joint import joint
from shared.signals.judgement import Judgement, Measurement, Signal, Verdict
from shared.signals.measuring import Difference
from shared.signals.summing_up import summed_up
from shared.signals.sureness import Sureness, by_bonferroni

HOURS_A_MONTH: Final = 730.5
BUDGET_SHARES: Final = {
    Signal.DRIFT: 0.5,
    Signal.PREDICTION_DRIFT: 0.1,
    Signal.JOINT_DRIFT: 0.1,
    Signal.SEGMENT_DRIFT: 0.1,
    Signal.QUALITY: 0.1,
    Signal.PERFORMANCE: 0.05,
    Signal.ACTUALS: 0.05,
}
"""How the false alarms that are tolerable are shared out."""

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
        joint_floor: smallest maximum mean discrepancy, or change of a correlation, worth hearing about.
        noticeable: a distance that must not pass unheard: with fewer rows than would make it sure, silence is ``unknown``
            and not ``ok``. 0.2 is the KS distance of a shift by half a standard deviation.
        minimum_rows: on fewer rows nothing is judged, whatever the numbers; the p-values are approximations for many.
        design_effect: rows that are worth one independent row, >= 1.
        features: those that are judged, empty for all. Outputs are judged in any case; how features go together, only where
            all that have a part in it are.
        numerical_thresholds: fixed thresholds of numbers, by metric, for either sign; no budget of false alarms covers them.
        categorical_thresholds: likewise of categories.
    """

    false_alarms_per_month: float = 1.0
    looks_per_month: int = 720
    ks_floor: float = 0.05
    l_infinity_floor: float = 0.05
    share_floor: float = 0.05
    joint_floor: float = 0.1
    noticeable: float = 0.2
    minimum_rows: int = 100
    design_effect: float = 4.0
    features: frozenset[str] = field(default_factory=frozenset)
    numerical_thresholds: Mapping[str, float] = field(default_factory=dict)
    categorical_thresholds: Mapping[str, float] = field(default_factory=dict)

    def floor(self, metric: str) -> float:
        """Return what ``metric`` must reach to be worth hearing about."""
        floors = {
            "ks": self.ks_floor,
            "l_infinity": self.l_infinity_floor,
            "mmd_gaussian": self.joint_floor,
            "correlation_change": self.joint_floor,
            # Twice as many rows, or half as many.
            "volume_change": math.log(2),
        }
        return floors.get(metric, self.share_floor)

    def alarms(self, signal: Signal) -> float:
        """Return how many false alarms of a signal are tolerable in a month."""
        return self.false_alarms_per_month * BUDGET_SHARES[signal]

    def level(self, signal: Signal, *, comparisons: int) -> float:
        """Return the p-value below which one of so many comparisons of a look at a signal is sure."""
        return self.alarms(signal) / self.looks_per_month / max(comparisons, 1)


def judge(
    baseline: Profile,
    current: Profile,
    bins: Bins,
    *,
    rules: JudgingRules,
    told: Mapping[Signal, Told] = MappingProxyType({}),
    also: Iterable[Difference] = (),
) -> tuple[Judgement, ...]:
    """Judge one window of a version against its baseline, signal by signal.

    A feature that cannot be judged (no values, too few rows) is ``unknown`` by itself and does not stop the others.

    Args:
        baseline: profile of the training data, or of an accepted new normal.
        current: profile of the window; one without rows is unknown throughout.
        bins: what both are counted over.
        rules: what an alarm must be.
        told: what the version's history says of the window; signals that are not among them are judged without one.
        also: what else was measured of the window's quality.

    Raises:
        IncompatibleProfiles: one of the profiles is counted over other bins.
    """
    wanted = digest(bins)
    for profile in (baseline, current):
        if profile.bins != wanted:
            raise IncompatibleProfiles(f"{profile.bins} where {wanted} are asked for")
    features = _chosen(_parts(bins.features, baseline.features, current.features), rules)
    outputs = _parts(bins.outputs, baseline.outputs, current.outputs)
    rows = baseline.rows, current.rows
    effects = _Effects.of(told.values(), least=rules.design_effect)
    found = {
        Signal.DRIFT: _drifts(features, effects),
        Signal.PREDICTION_DRIFT: _drifts(outputs, effects),
        Signal.JOINT_DRIFT: _joint(bins.joint, baseline, current, rules, effects),
        Signal.SEGMENT_DRIFT: list(_segment_drifts(bins, baseline, current, rules, effects)),
        Signal.QUALITY: [
            difference
            for part in features + outputs
            for difference in quality.quality(*part, rows=rows, design_effect=effects.of_feature(part[0]))
        ]
        + list(also),
    }
    optional = (Signal.JOINT_DRIFT, Signal.SEGMENT_DRIFT)
    found = {signal: differences for signal, differences in found.items() if differences or signal not in optional}
    levels = {signal: rules.level(signal, comparisons=len(differences)) for signal, differences in found.items()}

    def sureness(signal: Signal, difference: Difference) -> Sureness:
        known = told.get(signal)
        if known is not None and difference.feature in known.by_feature:
            return known.by_feature[difference.feature]
        return by_bonferroni(
            difference,
            level=levels[signal],
            comparisons=len(found[signal]),
            noticeable=rules.noticeable,
            design_effect=effects.largest if signal is Signal.JOINT_DRIFT else effects.of_feature(difference.feature),
            fewest_rows=rules.minimum_rows,
        )

    judgements = [
        summed_up(
            signal,
            [
                *(_weigh(one, rules, sureness(signal, one)) for one in differences),
                *(fixed for one in differences for fixed in _fixed(one, rules)),
            ],
            told.get(signal),
        )
        for signal, differences in found.items()
    ]
    has_moved = any(_has_moved(one) for one in judgements if one.signal is Signal.DRIFT)
    return tuple(_set_aside(one) if has_moved and one.signal is Signal.JOINT_DRIFT else one for one in judgements)


def _has_moved(judgement: Judgement) -> bool:
    """Whether something is past its threshold, and not only past a fixed one, which may be passed always."""
    return any(one.verdict is Verdict.BREACH and one.p_value is not None for one in judgement.measurements)


def _set_aside(joint: Judgement) -> Judgement:
    """Return what is said of how features go together where some have moved by themselves, which moves that as well."""
    reason = "features have moved by themselves: whether they go together as they did cannot be told"
    measurements = tuple(
        msgspec.structs.replace(one, verdict=Verdict.UNKNOWN, reason=f"{one.feature}: {reason}")
        for one in joint.measurements
    )
    return msgspec.structs.replace(joint, verdict=Verdict.UNKNOWN, reasons=(reason,), measurements=measurements)


@dataclass(frozen=True, slots=True)
class _Effects:
    """How many rows are worth one independent row: by feature, as its history has it, and ``least`` in any case.

    What has no history of its own is judged by how rows of its feature come in bursts; how features go together, by the
    burstiest of them.
    """

    by_feature: dict[str, float]
    least: float

    @classmethod
    def of(cls, told: Iterable[Told], *, least: float) -> "_Effects":
        return cls({name: effect for one in told for name, effect in one.design_effects.items()}, least)

    def of_feature(self, name: str) -> float:
        """Return that of a feature, within a segment (``<segment>: <feature>``) that of the feature."""
        return max(self.by_feature.get(name.rsplit(": ", 1)[-1], 0.0), self.least)

    @property
    def largest(self) -> float:
        return max([*self.by_feature.values(), self.least])


def _parts(
    bins: dict[str, FeatureBins], baseline: dict[str, FeatureProfile], current: dict[str, FeatureProfile]
) -> list[Part]:
    return [(name, kind, baseline[name], current[name]) for name, kind in bins.items()]


def _chosen(parts: list[Part], rules: JudgingRules) -> list[Part]:
    """Return those of some features that are judged."""
    return [part for part in parts if not rules.features or part[0] in rules.features]


def _drifts(parts: list[Part], effects: _Effects) -> list[Difference]:
    measured = (measuring.drift(*part, design_effect=effects.of_feature(part[0])) for part in parts)
    return [difference for difference in measured if difference is not None]


def _joint(
    bins: JointBins, baseline: Profile, current: Profile, rules: JudgingRules, effects: _Effects
) -> list[Difference]:
    """Return how far features have moved together; nothing where one of them is not judged.

    What is summed over all of them cannot be told apart afterwards.
    """
    if rules.features and not rules.features.issuperset(one.feature for one in bins.coordinates):
        return []
    return list(joint(bins, baseline, current, design_effect=effects.largest))


def _segment_drifts(
    bins: Bins, baseline: Profile, current: Profile, rules: JudgingRules, effects: _Effects
) -> Iterator[Difference]:
    """Yield the drifts of features and outputs within each segment, which their names say first."""
    for name, values in bins.segments.items():
        for value in values:
            before, now = baseline.segments[name][value], current.segments[name][value]
            parts = _chosen(_parts(bins.features, before.features, now.features), rules)
            parts += _parts(bins.outputs, before.outputs, now.outputs)
            for difference in _drifts([part for part in parts if part[0] != name], effects):
                yield replace(difference, feature=f"{name}={value}: {difference.feature}")


def _weigh(difference: Difference, rules: JudgingRules, sureness: Sureness) -> Measurement:
    """Judge one comparison."""
    verdict, why = _verdict(difference, rules, sureness)
    return Measurement(
        feature=difference.feature,
        metric=difference.metric,
        value=difference.value,
        threshold=rules.floor(difference.metric),
        p_value=sureness.p_value,
        rows=difference.rows,
        needed=None if difference.unknown else sureness.needed,
        verdict=verdict,
        reason=f"{difference.feature}: {why}",
        also=difference.also,
        p_values=difference.p_values,
    )


def _fixed(difference: Difference, rules: JudgingRules) -> Iterator[Measurement]:
    """Yield what fixed thresholds say of one comparison."""
    thresholds = {"ks": rules.numerical_thresholds, "l_infinity": rules.categorical_thresholds}
    for metric, threshold in thresholds.get(difference.metric, {}).items():
        value = difference.value if metric == difference.metric else difference.also.get(metric)
        # a shift of the mean has a sign, and a threshold is for both
        verdict = Verdict.UNKNOWN if value is None else Verdict.BREACH if abs(value) > threshold else Verdict.OK
        said = "nothing to compare" if value is None else f"{metric} is {value:.4g}, and the threshold {threshold:g}"
        yield Measurement(
            feature=difference.feature,
            metric=metric,
            value=value,
            threshold=threshold,
            p_value=None,
            rows=difference.rows,
            needed=None,
            verdict=verdict,
            reason=f"{difference.feature}: {said}",
        )


def _verdict(difference: Difference, rules: JudgingRules, sureness: Sureness) -> tuple[Verdict, str]:
    """Return the verdict and why, in words."""
    value, p_value = difference.value, sureness.p_value
    is_too_short = difference.rows < rules.minimum_rows and difference.metric != "volume_change"
    if value is None or p_value is None or is_too_short:
        return Verdict.UNKNOWN, _unknown(difference, sureness)
    floor = rules.floor(difference.metric)
    if min(value, sureness.at_least) >= floor and sureness.is_sure:
        return Verdict.BREACH, f"{difference.words}, past {floor:g} and not by chance (p = {p_value:.1g})"
    if difference.metric != "volume_change" and (sureness.needed is None or difference.rows < sureness.needed):
        return Verdict.UNKNOWN, _unknown(difference, sureness)
    if value >= floor and sureness.is_sure:
        return (
            Verdict.OK,
            f"{difference.words}, but by {sureness.at_least:.3f} at least, within {floor:g}",
        )
    if value >= floor:
        return Verdict.OK, f"{difference.words}, past {floor:g} but perhaps by chance (p = {p_value:.1g})"
    return Verdict.OK, f"{difference.words}, within {floor:g}"


def _unknown(difference: Difference, sureness: Sureness) -> str:
    """Return why nothing can be said."""
    if difference.unknown:
        return f"{difference.metric}: {difference.unknown}"
    if not difference.baseline_rows:
        return f"{difference.metric}: the baseline holds no value to compare with"
    if sureness.needed is None:
        return f"{difference.metric}: {sureness.never}"
    return f"{difference.metric}: {difference.rows} rows, {sureness.needed} needed"
