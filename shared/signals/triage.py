"""What a breach looks like, so that somebody knows where to look first.

It is a hint with its evidence, and no verdict: of the causes below the first that fits is named.

* a **data fault**: values that are bad in themselves (missing, out of range, unseen, constant, refused) have become common
  in features that make up half of the shift, or rows have;
* **season**: the same window a week ago had strayed the same way;
* a **prior shift**: what the model answers has moved, and what it is asked has not;
* a **covariate shift**: what it is asked has moved.

What is within a segment (``<segment>: <name>``) is of the feature or output of that name.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from shared.signals.judgement import Cause, Judgement, Measurement, Signal, Triage, Verdict

HALF: Final = 0.5
ALIKE: Final = 0.8
"""So much of two windows' straying has one direction (the cosine between them) where they are alike."""

_MOST_NAMED: Final = 5
_MOVED: Final = (Signal.DRIFT, Signal.JOINT_DRIFT, Signal.SEGMENT_DRIFT)


def triaged(judgements: Sequence[Judgement], *, alike: Mapping[Signal, float]) -> tuple[Judgement, ...]:
    """Return judgements, those with a breach with what it looks like.

    Args:
        judgements: of one window, one for each signal.
        alike: by signal, how alike the window's straying is to that of a week before, from -1 to 1; where that is known.
    """
    breached = {one.signal: one for one in judgements if one.verdict is Verdict.BREACH}
    outputs = {
        measurement.feature
        for one in judgements
        if one.signal is Signal.PREDICTION_DRIFT
        for measurement in one.measurements
    }
    of_features = [one for signal in _MOVED for one in _breaches(breached.get(signal)) if not _is_of(one, outputs)]
    return tuple(
        msgspec.structs.replace(one, triage=_triage(one, breached.get(Signal.QUALITY), alike, of_features))
        if one.signal in breached
        else one
        for one in judgements
    )


def _triage(
    judgement: Judgement, quality: Judgement | None, alike: Mapping[Signal, float], of_features: Sequence[Measurement]
) -> Triage:
    """Say what a breach looks like; ``of_features`` are the breaches by what the model is asked, of any signal."""
    faults = _breaches(quality)
    if judgement.signal is Signal.QUALITY:
        return Triage(cause=Cause.DATA_FAULT, evidence=_reasons(faults))
    moved = _breaches(judgement)
    of_its_own = [
        one for one in faults if one.feature in judgement.shares or any(_is_of(other, {one.feature}) for other in moved)
    ]
    share = sum(judgement.shares.get(feature, 0.0) for feature in {one.feature for one in of_its_own})
    if of_its_own and (share >= HALF or not judgement.shares):
        return Triage(cause=Cause.DATA_FAULT, evidence=_reasons(of_its_own))
    likeness = alike.get(judgement.signal)
    if likeness is not None and likeness >= ALIKE:
        return Triage(
            cause=Cause.SEASON, evidence=(f"the window a week before had strayed alike (cosine {likeness:.2f})",)
        )
    if not of_features:
        return Triage(cause=Cause.PRIOR_SHIFT, evidence=("the answers have moved, and no feature has",))
    leading = [f"{name}: {share:.0%} of the shift" for name, share in [*judgement.shares.items()][:_MOST_NAMED]]
    return Triage(cause=Cause.COVARIATE_SHIFT, evidence=tuple(leading) or _reasons(moved))


def _breaches(judgement: Judgement | None) -> list[Measurement]:
    measurements = judgement.measurements if judgement is not None else ()
    return [one for one in measurements if one.verdict is Verdict.BREACH]


def _is_of(measurement: Measurement, names: Collection[str]) -> bool:
    """Whether it is of one of these features or outputs, as a whole or within a segment."""
    return any(measurement.feature == name or measurement.feature.endswith(f": {name}") for name in names)


def _reasons(measurements: Sequence[Measurement]) -> tuple[str, ...]:
    return tuple(one.reason for one in measurements[:_MOST_NAMED])
