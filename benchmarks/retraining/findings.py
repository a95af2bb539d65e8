"""What the scores say: means over streams, ours against every other policy, and what was promised."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from benchmarks.reporting import Result, Target
from benchmarks.retraining.oracle import COSTS
from benchmarks.retraining.policies.schedules import FIXED, HINDSIGHT
from benchmarks.retraining.scores import Score

OURS: Final = "ours"
"""The name of the policy that is held against all others."""

SHARES: Final = (0.01, 0.05, 0.1)
"""Of the cost of a swap, that a challenger may cost to train."""

SAID_TO_DRIFT: Final = "sea"
"""Its users count it as drifting; the file that everybody has does not drift."""

_ABOVE: Final = {"prompt": 9.0, "late": 11.0}
_WORST_ABOVE: Final = {"prompt": 18.0}
_STILL_ABOVE: Final = {"prompt": 1.5}
_STILL_RETRAINS: Final = {"prompt": 0.1, "late": 0.3}


def games(scored: Iterable[Score]) -> list[Result]:
    """Return a line for each setting, stream and policy: from the first start at every cost, and from four starts."""
    return [
        {
            "measure": "policy on a stream",
            "setting": score.setting,
            "stream": score.stream.name,
            "drifts": "yes" if score.stream.drifts else "no",
            "policy": score.policy,
            "above": float(score.above[0].mean()),
            **{f"above_at_{cost:.3g}": float(above) for cost, above in zip(COSTS, score.above[0], strict=True)},
            "retrains": float(score.retrains[0].mean()),
            "from_four_starts": float(score.above.mean()),
            "retrains_from_four": float(score.retrains.mean()),
            **{f"training_at_{share}": score.with_training(share) for share in SHARES},
        }
        for score in scored
    ]


def policies(scored: Sequence[Score]) -> list[Result]:
    """Return a line for each setting and policy: means over streams of what it costs above the oracle, in per cent.

    ``training_at_0.05`` has every challenger cost 0.05 of a swap, which the oracle, and whoever trains none, does not pay.
    A mean over no stream at all is left out.
    """
    return [
        {"measure": f"policies, {setting}", "policy": policy, **_means(_of(scored, setting, policy))}
        for setting in _settings(scored)
        for policy in _policies(scored)
    ]


def by_stream(scored: Sequence[Score]) -> list[Result]:
    """Return a line for each setting and policy: the mean over costs on every stream."""
    return [
        {
            "measure": f"per cent above the oracle, {setting}",
            "policy": policy,
            **{score.stream.name: float(score.above[0].mean()) for score in _of(scored, setting, policy)},
        }
        for setting in _settings(scored)
        for policy in _policies(scored)
    ]


def comparisons(scored: Sequence[Score]) -> list[Result]:
    """Return a line for each setting and other policy: by how much ours costs less or more, over drifting streams.

    The difference is of points of per cent above the oracle, ours less theirs. The stream is the unit, so that its interval of
    95 % is Student's for so many streams: means of five that are drawn anew stray a third less than that, which is too little.
    Of one stream there is no interval.
    """
    lines: list[Result] = []
    for setting in _settings(scored):
        ours = _drifting(_of(scored, setting, OURS))
        for policy in _policies(scored):
            theirs = _drifting(_of(scored, setting, policy))
            if policy == OURS or not ours:
                continue
            pairs = list(zip(ours, theirs, strict=True))
            first = np.array([float((one.above[0] - other.above[0]).mean()) for one, other in pairs])
            four = np.array([float((one.above - other.above).mean()) for one, other in pairs])
            lines.append(
                {
                    "measure": f"ours against, {setting}",
                    "policy": policy,
                    **_difference(first),
                    "better_on": f"{(first < 0).sum()} of {len(first)}",
                    **{f"{name}_from_four": value for name, value in _difference(four).items()},
                }
            )
    return lines


def best_fixed(scored: Sequence[Score]) -> list[Result]:
    """Return a line for each setting: the fixed period that is best on the mean over drifting streams, one for all."""
    fixed = {rule.name for rule in FIXED}
    lines: list[Result] = []
    for setting in _settings(scored):
        means = {policy: _above(_drifting(_of(scored, setting, policy))) for policy in _policies(scored)}
        known = [(mean, policy) for policy, mean in means.items() if policy in fixed and mean is not None]
        if known:
            mean, policy = min(known)
            lines.append({"measure": "best fixed period", "setting": setting, "policy": policy, "drifting": mean})
    return lines


def targets(scored: Sequence[Score]) -> list[Target]:
    """Return what was promised of ours."""
    promised: list[Target] = []
    for setting in _settings(scored):
        ours = _of(scored, setting, OURS)
        drifting, still = _drifting(ours), _still(ours)
        others = [
            _above(_drifting(_of(scored, setting, one))) for one in _policies(scored) if one not in {OURS, HINDSIGHT}
        ]
        best = min((mean for mean in others if mean is not None), default=None)
        mean = _above(drifting)
        lead = None if mean is None or best is None else mean - best
        worst = max((float(score.above[0].mean()) for score in drifting), default=None)
        limits = (
            ("mean over drifting streams", _ABOVE, mean, "% above the oracle"),
            ("worst drifting stream", _WORST_ABOVE, worst, "% above the oracle"),
            ("mean over streams without drift", _STILL_ABOVE, _above(still), "% above the oracle"),
            ("retrains without drift", _STILL_RETRAINS, _retrains(still), "per 100 periods"),
            ("lead over the best other policy", {setting: 0.0}, lead, "points, ours less theirs, drifting streams"),
        )
        promised += [
            Target.at_most(limit[setting], value, name=f"{name}, {setting}", unit=unit)
            for name, limit, value, unit in limits
            if setting in limit
        ]
    return promised


def _means(scored: Sequence[Score]) -> dict[str, float]:
    """Return the columns of a policy; a mean over no streams is left out."""
    drifting, still = _drifting(scored), _still(scored)
    as_said = [score for score in scored if score.stream.drifts or score.stream.name == SAID_TO_DRIFT]
    figures = {
        "drifting": _above(drifting),
        "worst": max((float(score.above[0].mean()) for score in drifting), default=None),
        f"drifting_and_{SAID_TO_DRIFT}": _above(as_said) if len(as_said) > len(drifting) else None,
        "still": _above(still),
        "retrains_drifting": _retrains(drifting),
        "retrains_still": _retrains(still),
        "drifting_from_four": _mean([float(score.above.mean()) for score in drifting]),
        "still_from_four": _mean([float(score.above.mean()) for score in still]),
        **{f"training_at_{share}": _mean([one.with_training(share) for one in drifting]) for share in SHARES},
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _difference(differences: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean over streams and, of two or more, the bounds of its interval."""
    mean, streams = float(differences.mean()), len(differences)
    if streams < 2:
        return {"difference": mean}
    half = float(stdtrit(streams - 1, 0.975) * differences.std(ddof=1) / np.sqrt(streams))
    return {"difference": mean, "low": mean - half, "high": mean + half}


def _above(scored: Sequence[Score]) -> float | None:
    return _mean([float(score.above[0].mean()) for score in scored])


def _retrains(scored: Sequence[Score]) -> float | None:
    return _mean([float(score.retrains[0].mean()) for score in scored])


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _of(scored: Iterable[Score], setting: str, policy: str) -> list[Score]:
    return [score for score in scored if (score.setting, score.policy) == (setting, policy)]


def _drifting(scored: Iterable[Score]) -> list[Score]:
    return [score for score in scored if score.stream.drifts]


def _still(scored: Iterable[Score]) -> list[Score]:
    return [score for score in scored if not score.stream.drifts]


def _settings(scored: Iterable[Score]) -> list[str]:
    return list(dict.fromkeys(score.setting for score in scored))


def _policies(scored: Iterable[Score]) -> list[str]:
    return list(dict.fromkeys(score.policy for score in scored))
