"""How many false alarms, and what is found: ``python -m benchmarks.alarms [--rows N] [--seed S] [--json] [--quick]``.

Versions are simulated (``months``): each has a history of 90 days, from which the calibration learns, then a month in which
nothing is wrong, in which alerts opened are counted, then windows in which some features have moved. False alarms are
counted for daily and for hourly looks at windows of a day; what is found, for daily ones. With daily looks the calibration
learns from the month's looks as well, as they come. Other tools' rules (``peer_rules``) see the same windows; each is given
the threshold at which it alarms on as many of the same quiet looks as ours, which no user of it could know.

The budget is what ``judging`` gives the drift of features, half an alert a month; ``benchmarks.quiet`` measures all signals
together. A second column says what is found with the default floor as well.

``--rows`` is the largest window. Each cell has 100 versions.
"""

import itertools
import math
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from benchmarks.months import NULLS, Counts, Floats, Version, World
from benchmarks.peer_rules import PEERS, Reference
from benchmarks.processes import one_thread_each
from benchmarks.reporting import Machine, Report, Result, Target, arguments
from shared.monitoring.looking_back import Past
from shared.signals.calibration.calibrating import Calibration
from shared.signals.calibration.contrasts import Contrasts, numeric_contrasts
from shared.signals.calibration.hourly import HourSums
from shared.signals.calibration.looks import Looks
from shared.signals.calibration.telling import tell
from shared.signals.judgement import Signal
from shared.signals.judging import JudgingRules

HISTORY_DAYS: Final = 90
MONTH_DAYS: Final = 30
BUDGET: Final = JudgingRules().alarms(Signal.DRIFT)
LEARNED_EVERY_DAYS: Final = 5
"""With daily looks; production learns at each, which would take five times as long and change little."""

FEATURES: Final = (50, 200)
SIZES: Final = (200, 2_000, 50_000)
SHIFTS: Final = tuple(itertools.product((0.1, 0.25, 0.5), (1, 5, 25)))
_SHIFTED_WINDOWS: Final = 4
_BELOW_FLOOR: Final = 0.1
"""A shift of so many standard deviations is a KS distance of 0.04."""

_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table."""

    null: str
    features: int
    rows: int
    versions: int
    seed: int
    is_hourly: bool = field(kw_only=True)

    @property
    def world(self) -> World:
        """Return what is simulated."""
        steps, bins = (24, 16) if self.is_hourly else (1, 64)
        return World(self.null, self.features, self.rows, steps, bins)


@dataclass(frozen=True, slots=True)
class Played:
    """One version of a cell, played out.

    Attributes:
        alerts: how many were opened in the quiet month.
        quiet: which of its looks alarmed, shape (looks,).
        found: by shift, which of its windows alarmed, shape (windows,); empty where nothing was shifted.
        heard: likewise with the default floor.
        peers_quiet: each peer's number, shape (peers, looks).
        peers_found: by shift, likewise.
    """

    alerts: int
    quiet: NDArray[np.bool_]
    found: dict[tuple[float, int], NDArray[np.bool_]]
    heard: dict[tuple[float, int], NDArray[np.bool_]]
    peers_quiet: Floats
    peers_found: dict[tuple[float, int], Floats]


def main() -> None:
    """Measure, and print the report."""
    asked = arguments(__doc__, rows=50_000).parse_args()
    machine = Machine.this()
    one_thread_each()
    sizes = [rows for rows in SIZES if rows <= asked.rows]
    versions = 8 if asked.quick else 100
    features, sizes = (FEATURES[:1], sizes[:1]) if asked.quick else (FEATURES, sizes)
    grid = itertools.product(NULLS, features, sizes, (False, True))
    cells = [Cell(null, count, rows, versions, asked.seed, is_hourly=hourly) for null, count, rows, hourly in grid]
    cells.sort(key=lambda cell: -cell.features * cell.world.steps)
    results: list[Result] = []
    progress = Progress(console=Console(stderr=True))
    with progress, multiprocessing.get_context("spawn").Pool(machine.cpus) as pool:
        task = progress.add_task("cells", total=len(cells))
        for some in pool.imap_unordered(measure, cells):
            results += some
            progress.advance(task)
    results.sort(key=_place)
    report = Report(benchmark="alarms", machine=machine, results=results, targets=_targets(results))
    if not asked.json:
        report.show()
    print(report.line())


def measure(cell: Cell) -> list[Result]:
    """Play every version of a cell."""
    played = [play(cell, index) for index in range(cell.versions)]
    named: Result = {
        "null": cell.null,
        "features": cell.features,
        "rows": cell.rows,
        "looks": "hourly" if cell.is_hourly else "daily",
    }
    alerts = np.array([one.alerts for one in played], dtype=np.float64)
    mean, margin = _estimate(alerts)
    results: list[Result] = [
        {"measure": "alerts a month", **named, "alerts": mean, "low": mean - margin, "high": mean + margin}
    ]
    if cell.is_hourly:
        return results
    rate = float(np.mean([one.quiet.mean() for one in played]))
    quiet = np.concatenate([one.peers_quiet for one in played], axis=1)
    thresholds = np.quantile(quiet, 1 - rate, axis=1)
    for by, moved in SHIFTS:
        ours = np.array([one.found[by, moved].mean() for one in played])
        theirs = np.array([(one.peers_found[by, moved] > thresholds[:, None]).mean(axis=1) for one in played])
        best = int(theirs.mean(axis=0).argmax())
        worse = [_estimate(theirs[:, index] - ours) for index in range(len(PEERS))]
        results.append(
            {
                "measure": "found",
                **named,
                "moved": moved,
                "by": by,
                "driftline": float(ours.mean()),
                **{name: float(theirs[:, index].mean()) for index, name in enumerate(PEERS)},
                "best": [*PEERS][best],
                "worse_by": worse[best][0],
                "surely_worse_by": max((mean for mean, margin in worse if mean - margin > 0), default=0.0),
                "with_floor": float(np.mean([one.heard[by, moved].mean() for one in played])),
            }
        )
    return results


def _estimate(values: Floats) -> tuple[float, float]:
    """Return the mean of independent values, and how far off it may be (95 %)."""
    return float(values.mean()), 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))


def play(cell: Cell, index: int) -> Played:
    """Play one version."""
    rng = np.random.default_rng([cell.seed, NULLS.index(cell.null), cell.features, cell.rows, cell.is_hourly, index])
    world = cell.world
    version = Version.draw(world, rng)
    days = HISTORY_DAYS + MONTH_DAYS
    # A day more before the history of hourly looks: the first windows reach into it.
    counts = version.counts(0, (days + cell.is_hourly) * world.steps, rng)
    looks = _looks(counts, world)
    is_past = looks.blocks < looks.blocks[0] + HISTORY_DAYS
    past, month = looks.where(is_past), looks.where(~is_past)
    calibration, quiet = _month(world, past, month)
    alerts = opened(quiet, window=world.steps)
    if cell.is_hourly:
        return Played(alerts, quiet, {}, {}, np.empty((0, 0)), {})
    history = counts[:HISTORY_DAYS]
    reference = Reference(history.sum(axis=0), history, world.edges)
    found, heard, peers = {}, {}, {}
    for by, moved in SHIFTS:
        shift = np.zeros(world.features)
        shift[rng.permutation(world.features)[:moved]] = by * rng.choice([-1.0, 1.0], moved)
        windows = version.counts(days, _SHIFTED_WINDOWS, rng, shift=shift)
        found[by, moved] = _is_news(calibration, _looks(windows, world, first=days))
        heard[by, moved] = found[by, moved] & _is_large(calibration, _looks(windows, world, first=days), world)
        peers[by, moved] = _peers(windows, reference)
    return Played(alerts, quiet, found, heard, _peers(counts[HISTORY_DAYS:], reference), peers)


def _month(world: World, past: Looks, month: Looks) -> tuple[Calibration, NDArray[np.bool_]]:
    """Return which looks of a quiet month are news, and what was learned by its end.

    With hourly looks nothing is learned in between: three quarters of a minute a version, for little.
    """
    contrasts = _contrasts(world)
    is_news = np.zeros(len(month), dtype=bool)

    def learned(since: int) -> Calibration:
        before = np.arange(len(month)) < since
        joined = Past.joined(
            Signal.DRIFT, contrasts, contrasts.columns(()), past, month.where(before), is_quiet=~is_news[before]
        )
        calibration = joined.calibration()
        assert calibration is not None  # noqa: S101 - ninety days are enough
        return calibration

    if world.steps > 1:
        calibration = learned(0)
        return calibration, _is_news(calibration, month)
    for at in range(0, len(month), LEARNED_EVERY_DAYS):
        some = (np.arange(len(month)) >= at) & (np.arange(len(month)) < at + LEARNED_EVERY_DAYS)
        is_news[some] = _is_news(learned(at), month.where(some))
    return learned(len(month)), is_news


def _is_news(calibration: Calibration, looks: Looks) -> NDArray[np.bool_]:
    return calibration.sizes(looks) > calibration.threshold(rate=BUDGET / MONTH_DAYS)


def _is_large(calibration: Calibration, looks: Looks, world: World) -> NDArray[np.bool_]:
    """Return in which windows a feature that is sure is past the default floor as well."""
    contrasts, floor = _contrasts(world), JudgingRules().ks_floor
    large = np.zeros(len(looks), dtype=bool)
    for at in range(len(looks)):
        one = looks.where(np.arange(len(looks)) == at)
        told = tell(contrasts, calibration, one, rate=BUDGET / MONTH_DAYS, fewest_rows=100)
        large[at] = any(each.is_sure and each.at_least >= floor for each in told.by_feature.values())
    return large


def _contrasts(world: World) -> Contrasts:
    """Return those of features that are alike, whose bins have equal shares."""
    one = numeric_contrasts(np.full(world.bins, 1_000))
    mains, shapes = np.arange(world.features), np.arange(world.features).repeat(len(one.weights) - 1)
    return Contrasts({f"f{index}": one for index in mains}, np.concatenate([mains, shapes]), len(mains))


def opened(alarms: NDArray[np.bool_], *, window: int) -> int:
    """Return how many alerts looks open; one resolves after so many looks, a whole window, without an alarm."""
    at = np.flatnonzero(alarms)
    return int((np.diff(at) > window).sum()) + 1 if len(at) else 0


def _looks(counts: Counts, world: World, *, first: int = 0) -> Looks:
    """Return the windows of a day that end with each step from ``first`` on."""
    weights = numeric_contrasts(np.full(world.bins, 1_000)).weights
    rows = counts[:, 0].sum(axis=-1)
    by_feature = counts @ weights.T
    sums = np.concatenate([by_feature[..., 0], by_feature[..., 1:].reshape(len(counts), -1)], axis=1)
    if world.steps > 1:
        values = np.repeat(rows[:, None], sums.shape[1], axis=1)
        return HourSums(first + np.arange(len(rows)), rows, sums.astype(np.float32), values).windows(_HOURS).looks
    days = first + np.arange(len(rows))
    return Looks(sums / rows[:, None], np.ones_like(sums), rows, days % 7, days)


def _peers(windows: Counts, reference: Reference) -> Floats:
    return np.array([rule(windows, reference) for rule in PEERS.values()])


def _place(one: Result) -> tuple[str, ...]:
    """Return where a line stands in the table."""
    names = ("measure", "null", "features", "rows", "looks", "moved", "by")
    told = (one.get(name, "") for name in names)
    return tuple(value if isinstance(value, str) else f"{value:12.3f}" for value in told)


def _targets(results: Sequence[Result]) -> list[Target]:
    alerts = [one for one in results if one["measure"] == "alerts a month"]
    found = [one for one in results if one["measure"] == "found"]
    over = sum(float(one["low"]) > BUDGET for one in alerts)
    worse = sum(float(one["surely_worse_by"]) > 0.05 for one in found)
    ours = float(np.mean([float(one["driftline"]) for one in found]))
    best = max(float(np.mean([float(one[name]) for one in found])) for name in PEERS)
    small = [float(one["with_floor"]) for one in found if one["by"] == _BELOW_FLOOR]
    return [
        Target.at_most(
            BUDGET,
            float(np.mean([float(one["alerts"]) for one in alerts])),
            name="false alerts a month, mean over cells",
            unit="alerts",
        ),
        Target.at_most(0, over, name="cells whose interval lies above the budget", unit="cells"),
        Target.at_least(best, ours, name="found, mean over cells, against the best other rule", unit="of windows"),
        Target.at_most(0, worse, name="cells in which another rule finds more, by over 0.05 and surely", unit="cells"),
        Target.at_most(
            0.05, max(small), name="with the default floor, any shift of 0.1 sd: heard at most", unit="of windows"
        ),
    ]


if __name__ == "__main__":
    main()
