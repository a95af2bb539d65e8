"""Versions of a model: each is trained on the newest actuals there are, and answers in every period from then on."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.retraining.periods import Flags, Floats, Periods

Answers = NDArray[np.float16]
"""Predicted probabilities of the positive class."""

LEARNER: Final[dict[str, Any]] = {
    "max_iter": 60,
    "max_leaf_nodes": 15,
    "learning_rate": 0.1,
    "early_stopping": False,
    "random_state": 0,
}
_SEED: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How actuals become known.

    Attributes:
        name: what figures are printed under.
        delay: how many whole periods later than at the end of their own.
        share: of how many rows they ever do.
    """

    name: str
    delay: int
    share: float

    def known(self, periods: Periods) -> Flags:
        """Return of which rows the actuals ever become known, shape (periods, rows): chance, always the same."""
        return np.random.default_rng(_SEED).random(periods.actuals.shape) < self.share

    def trained_on(self, version: int, window: int) -> slice:
        """Return the periods that a version is trained on: the last ``window`` whose actuals are known when it is made.

        Version s is made at the beginning of period s. The first is the one that has a whole window, made at
        ``window + delay``; the game begins with it.
        """
        return slice(version - self.delay - window, version - self.delay)

    def first_version(self, window: int) -> int:
        """Return the first version there is."""
        return window + self.delay


SETTINGS: Final = (Setting(name="prompt", delay=0, share=1.0), Setting(name="late", delay=5, share=0.3))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Training:
    """All that one version takes: rows and actuals to train on, of shape (rows, features) and (rows,), and rows to answer."""

    version: int
    rows: Floats
    actuals: Flags
    categorical: tuple[int, ...]
    asked: Floats


def trainings(periods: Periods, known: Flags, setting: Setting, window: int) -> list[Training]:
    """Return what each version takes; it answers the period it is made in and all that follow."""
    made: list[Training] = []
    for version in range(setting.first_version(window), len(periods)):
        seen = setting.trained_on(version, window)
        one = Training(
            version=version,
            rows=periods.rows[seen][known[seen]],
            actuals=periods.actuals[seen][known[seen]],
            categorical=periods.categorical,
            asked=periods.rows[version:],
        )
        made.append(one)
    return made


def answers(training: Training) -> tuple[int, Answers]:
    """Train a version; return its number and what it answers, shape (periods, rows)."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    asked = training.asked.reshape(-1, training.asked.shape[-1])
    if training.actuals.all() or not training.actuals.any():
        answered = np.full(len(asked), training.actuals[0], dtype=np.float16)
    else:
        model = HistGradientBoostingClassifier(**LEARNER, categorical_features=list(training.categorical) or None)
        model.fit(training.rows, training.actuals)
        answered = model.predict_proba(asked)[:, 1].astype(np.float16)
    return training.version, answered.reshape(training.asked.shape[:2])
