"""ROC AUC: how often a row of a class is given more of it than a row of another."""

from collections.abc import Iterator

import numpy as np

from shared.signals.performance.confusion import Measured, mean_of
from shared.signals.performance.estimate import Unknown
from shared.signals.performance.rows import Answers, Floats


def roc_auc(answers: Answers, actuals: Floats) -> Measured | Unknown:
    """Return the area under the ROC curve: of the positive class, or the mean over more, each against the rest.

    Unknown unless every class turned out, and something else as well. Its derivatives by rows are the placements of DeLong.

    Args:
        answers: with probabilities; they need not be calibrated.
        actuals: shares of classes, shape (rows, classes).

    Source:
        DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
        characteristic curves", Biometrics 44 (1988); several classes: Provost and Domingos (2000), unweighted.
    """
    if answers.probabilities is None:
        return Unknown("the model gives no probabilities")
    places = (1,) if len(answers.classes) == 2 else range(len(answers.classes))
    missing: list[Unknown] = []

    def known() -> Iterator[Measured]:
        for place in places:
            part = _area(answers, actuals, place)
            if isinstance(part, Unknown):
                missing.append(part)
                return
            yield part

    mean = mean_of(known())
    return missing[0] if missing else mean


def _area(answers: Answers, actuals: Floats, place: int) -> Measured | Unknown:
    """Return the area of one class: over all pairs of rows, the share of pairs in which the row of the class is above."""
    assert answers.probabilities is not None  # noqa: S101 - asked before
    weights, scores = answers.each_weight, answers.probabilities[:, place]
    inside, outside = weights * actuals[:, place], weights * (1 - actuals[:, place])
    # a row may be of either class where actuals are shares: it makes no pair with itself
    pairs = float(inside.sum() * outside.sum() - np.dot(inside, outside))
    if not (inside.sum() > 0 and outside.sum() > 0 and pairs > 0):
        name = answers.classes[place]
        return Unknown(f"no actual is {name}" if not inside.sum() > 0 else f"every actual is {name}")
    below, _ = _beside(scores, outside)
    _, above = _beside(scores, inside)
    value = float(np.dot(inside, below)) / pairs
    others = outside.sum() - outside, inside.sum() - inside
    by_share = np.zeros_like(actuals)
    by_share[:, place] = weights * (below - above - value * (others[0] - others[1])) / pairs
    return Measured(
        value=value,
        by_row=(inside * (below - value * others[0]) + outside * (above - value * others[1])) / pairs,
        by_actual=by_share,
        basis=(inside / inside.sum() + outside / outside.sum()) / 2,
    )


def _beside(scores: Floats, masses: Floats) -> tuple[Floats, Floats]:
    """Return the mass of other rows below and above each row's score, half of that at it on either side."""
    values, places = np.unique(scores, return_inverse=True)
    at = np.bincount(places, weights=masses, minlength=len(values))
    upto = np.cumsum(at)
    ties = (at[places] - masses) / 2
    return (upto - at)[places] + ties, upto[-1] - upto[places] + ties
