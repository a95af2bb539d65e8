"""From the comparisons of one signal to the verdict on it."""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.signals.calibration.telling import Told
from shared.signals.judgement import Judgement, Measurement, Signal, Verdict

_MOST_SHARES: Final = 20


def summed_up(signal: Signal, measurements: Sequence[Measurement], told: Told | None = None) -> Judgement:
    """Return the verdict on a signal; ``told`` is what the version's history says of the window."""
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
        learned_from=told.windows if told is not None else None,
        shares=_leading(told.shares) if told is not None and breaches else {},
    )


def _leading(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the features that make up most of a shift, the largest share first."""
    ranked = sorted(shares.items(), key=lambda one: (-one[1], one[0]))
    return {name: round(share, 6) for name, share in ranked[:_MOST_SHARES] if share > 0}


def _rank(measurement: Measurement) -> tuple[int, float, str, str]:
    order = (Verdict.BREACH, Verdict.UNKNOWN, Verdict.OK).index(measurement.verdict)
    return order, -abs(measurement.value or 0.0), measurement.feature, measurement.metric
