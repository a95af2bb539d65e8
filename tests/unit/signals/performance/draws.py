"""Rows that tests are about."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from shared.signals.performance.rows import Answers, Classified, Floats, Integers, Regressed, of_two


@st.composite
def classified(draw: st.DrawFn, *, classes: int, rows: int = 30) -> Classified:
    """Draw rows of a classifier: few, with ties, and with classes that are never answered or never turn out."""
    count = draw(st.integers(2, rows))
    places = st.integers(0, classes - 1)
    shares = draw(arrays(np.int64, (count, classes), elements=st.integers(0, 5))) + 0.5
    return Classified(
        answers=Answers(
            classes=tuple("abcdefgh"[:classes]),
            predicted=draw(arrays(np.int64, count, elements=places)),
            probabilities=shares / shares.sum(axis=1, keepdims=True),
            weights=draw(_weights(count)),
        ),
        actual=draw(arrays(np.int64, count, elements=places)),
    )


@st.composite
def regressed(draw: st.DrawFn) -> Regressed:
    """Draw rows of a regressor."""
    count = draw(st.integers(2, 30))
    numbers = arrays(np.float64, count, elements=st.integers(-9, 9))
    return Regressed(predicted=draw(numbers), actual=draw(numbers), weights=draw(_weights(count)))


def _weights(count: int) -> st.SearchStrategy[Floats]:
    return arrays(np.float64, count, elements=st.integers(1, 4))


def scored(
    rng: np.random.Generator, rows: int, *, shift: float = 0.0, clusters: int = 0, stray: float = 0.0
) -> Classified:
    """Draw rows of two classes whose probabilities are right on average.

    Args:
        rng: what draws.
        rows: how many.
        shift: added to the logit of each probability.
        clusters: how many the rows come in; 0 makes them independent.
        stray: how far, as logits, actuals of one cluster stray together from what their probabilities say.
    """
    logits = 1.5 * rng.standard_normal(rows) + shift
    places: Integers | None = None
    truth = logits
    if clusters:
        places = np.arange(rows, dtype=np.int64) * clusters // rows
        truth = logits + stray * rng.standard_normal(clusters)[places]
    given = expit(logits)
    return Classified(
        answers=Answers(
            classes=("no", "yes"),
            predicted=(given > 0.5).astype(np.int64),
            probabilities=of_two(given),
            clusters=places,
        ),
        actual=(rng.random(rows) < expit(truth)).astype(np.int64),
    )
