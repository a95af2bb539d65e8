"""What a window tells of each feature: is its difference sure?"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.signals.calibration.calibrating import Calibration, Surprise
from shared.signals.calibration.contrasts import Contrasts
from shared.signals.calibration.looks import Floats, Looks
from shared.signals.calibration.surprise import Respect
from shared.signals.calibration.usual import Strayed
from shared.signals.significance import at_least
from shared.signals.sureness import Sureness

NOTICEABLE: Final = 0.5
"""A shift of so many standard deviations must not pass unheard."""

_NOTICEABLE_SHARE: Final = 0.4
"""A share that moves by two tenths, in the standard deviations of one of a half."""

_PLAINLY: Final = 2.0
"""Of a shift that only all features together tell, those have a part that strayed by so many standard deviations."""

_NAMED: Final = 3.0
"""The surprise of one time in twenty."""

_STRAYS = (
    "windows of this version stray so far by themselves that a shift of half a standard deviation would not be sure, "
    "however many rows there are"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a window tells.

    Attributes:
        surprise: of the window as a whole.
        by_feature: of each feature that has contrasts.
        shares: of the shift, by feature: they add up to 1, or are all 0.
        calibration: what was learned of the history.
        design_effects: how many rows of each feature are worth one independent row.
    """

    surprise: Surprise
    by_feature: dict[str, Sureness]
    shares: dict[str, float]
    calibration: Calibration
    design_effects: dict[str, float]

    @property
    def windows(self) -> int:
        """Return how many of the history it was compared with."""
        return self.calibration.blocks

    def likeness(self, others: Looks) -> Floats:
        """Return how alike the straying of other windows is: the cosines, from -1 to 1, shape (looks,)."""
        (mine,), theirs = (
            _directions(self.calibration, one) for one in (self.surprise.strayed, self.calibration.strayed(others))
        )
        sizes = np.linalg.norm(mine) * np.linalg.norm(theirs, axis=1)
        likeness: Floats = theirs @ mine / np.where(sizes > 0, sizes, 1.0)
        return likeness


def tell(contrasts: Contrasts, calibration: Calibration, window: Looks, *, rate: float, fewest_rows: int) -> Told:
    """Say of each feature whether its difference is sure.

    Of a window that is news those features are sure that stray too far for one of so many (5 %); if none does, those that
    make it surprising together. Of one that is no news none is: so there are as many alarms as windows that are news, at
    most.

    Args:
        contrasts: what was watched.
        calibration: what is usual.
        window: one look.
        rate: the share of blocks that may alarm though nothing is wrong.
        fewest_rows: on fewer nothing is judged.
    """
    surprise = calibration.look(window, rate=rate)
    names = [*contrasts.by_feature]
    owners = contrasts.features[: contrasts.mains]
    strayed = np.abs(surprise.strayed.mains[0])
    alone = _by_owner(calibration.surprises.alone(strayed), owners, len(names), empty=-math.inf)
    parts = _parts(contrasts, surprise)
    has_part = parts >= min(_PLAINLY, float(parts.max(initial=0.0)))
    named = alone > min(surprise.threshold, _NAMED)
    chosen = (named if named.any() else has_part) & surprise.is_news
    needed = _rows_needed(contrasts, calibration, surprise.threshold, fewest_rows=fewest_rows)
    distances = _distances(contrasts, calibration, window)
    by_feature: dict[str, Sureness] = {}
    for index, name in enumerate(names):
        if index not in owners:
            continue
        by_feature[name] = Sureness(
            p_value=calibration.tail.share_beyond(surprise.size if chosen[index] else float(alone[index])),
            is_sure=bool(chosen[index]),
            at_least=distances[index],
            needed=needed[name],
            never=_STRAYS,
        )
    squares = parts**2
    whole = float(squares.sum())
    shares = {name: float(squares[index] / whole) if whole else 0.0 for index, name in enumerate(names)}
    effects = _by_owner(calibration.design_effects, owners, len(names), empty=1.0)
    return Told(surprise, by_feature, shares, calibration, dict(zip(names, effects.tolist(), strict=True)))


def _directions(calibration: Calibration, strayed: Strayed) -> Floats:
    """Return how far windows' mains stray, alone and with others, shape (looks, mains)."""
    directions: Floats = strayed.mains * calibration.usual.alone_scale * calibration.widths.mains + strayed.shared
    return directions


def _distances(contrasts: Contrasts, calibration: Calibration, window: Looks) -> list[float]:
    """Return how far each feature is from what is usual at that moment, at least: KS distances and changes of a share.

    A number that moves in several contrasts moves about as far as the root of the sum of their squares.
    """
    reached = np.abs(calibration.usual.departed(window)[0] * contrasts.reaches)
    worth = calibration.usual.worth(window)[0]
    found: list[float] = []
    for index, one in enumerate(contrasts.by_feature.values()):
        own = contrasts.features == index
        if not own.any():
            found.append(0.0)
            continue
        distance = float(np.linalg.norm(reached[own]) if one.is_number else reached[own].max())
        # No more than there are: that a row was worth several does not make the distance any surer.
        rows = min(float(worth[: contrasts.mains][own[: contrasts.mains]].min()), float(window.rows[0]))
        found.append(at_least(distance, rows=max(rows, 1e-9), comparisons=len(contrasts.by_feature)))
    return found


def _parts(contrasts: Contrasts, surprise: Surprise) -> Floats:
    """Return by how many standard deviations each feature has part in what surprises most, shape (features,)."""
    strayed, names = surprise.strayed, len(contrasts.by_feature)
    mains, shapes = contrasts.features[: contrasts.mains], contrasts.features[contrasts.mains :]
    most = max(surprise.by_respect, key=lambda respect: surprise.by_respect[respect])
    if most is Respect.SHAPE:
        return _by_owner(np.abs(strayed.shapes[0]), shapes, names, empty=0.0)
    if most is Respect.SHOCK:
        return _by_owner(np.abs(strayed.shared[0]), mains, names, empty=0.0)
    return _by_owner(np.abs(strayed.mains[0]), mains, names, empty=0.0)


def _by_owner(values: Floats, owners: NDArray[np.int64], count: int, *, empty: float) -> Floats:
    """Return the largest value of each feature's columns, shape (features,)."""
    found = np.full(count, empty)
    np.maximum.at(found, owners, values)
    return found


def _rows_needed(
    contrasts: Contrasts, calibration: Calibration, threshold: float, *, fewest_rows: int
) -> dict[str, int | None]:
    """Return from how many rows on a noticeable shift of each feature is sure; None where it never is.

    With fewer rows than usual, windows stray further in proportion to the root; with more, not less.
    """
    usual = calibration.usual
    far = _far_enough(calibration, threshold)
    effects = np.array([NOTICEABLE if one.is_number else _NOTICEABLE_SHARE for one in contrasts.by_feature.values()])
    owners = contrasts.features[: contrasts.mains]
    worst = np.full(len(effects), 0.0)
    np.maximum.at(worst, owners, usual.main_scale * calibration.widths.mains)
    found: dict[str, int | None] = {}
    for name, effect, scale in zip(contrasts.by_feature, effects, worst, strict=True):
        share = (far * scale / effect) ** 2
        found[name] = max(math.ceil(usual.typical_rows * share), fewest_rows) if share <= 1 else None
    return found


def _far_enough(calibration: Calibration, threshold: float) -> float:
    """Return how many standard deviations a feature must stray to be sure by itself, by bisection."""
    low, high = 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = float(calibration.surprises.alone(np.array([middle]))[0]) > threshold
        low, high = (low, middle) if enough else (middle, high)
    return high
