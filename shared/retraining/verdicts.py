"""What to do about a model now: the first of five verdicts that its numbers bear out.

* **fix data**: the champion's loss has risen, and a data fault that began by then explains it. What learns from such data
  learns the fault.
* **roll back**: a version that answered before is better now by more than chance, and no worse than the newest challenger.
  It is there already, and costs nothing to train.
* **retrain**: the policy says that it pays.
* **collect actuals**: it may pay, and the actuals that are missing would tell.
* **keep**: none of these.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from shared.hours import Hour
from shared.retrain_config import Loss
from shared.retraining.experience import SURE, Rule, Weighed
from shared.retraining.losses import FEWEST_ROWS, Mean, pooled
from shared.retraining.situation import RECENT, Numbers, Situation

STATE_IT: Final = (
    "retrain_cost in the model's monitor.yaml: what a retrain costs, as 500 (wrong answers) or {points: 2, days: 14}"
)

CERTAIN: Final = 3.0
"""So many standard errors must a champion of before be better by. Its gap is not added up as regret is: it is measured anew over
four periods, for two versions, as long as the model lives. Of versions that are alike two standard errors would have one come
back three times in a hundred periods; three, once in five hundred."""


class Verdict(StrEnum):
    """What to do."""

    FIX_DATA = "fix data"
    ROLL_BACK = "roll back"
    RETRAIN = "retrain"
    COLLECT_ACTUALS = "collect actuals"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its numbers, its reasons for a person, and what would change it."""

    verdict: Verdict
    numbers: Numbers
    reasons: tuple[str, ...]
    would_change_it: str


def judge(situation: Situation) -> Judged:
    """Return the first verdict that the numbers bear out."""
    numbers = situation.numbers
    judged = (
        _fix_data(situation, numbers)
        or _roll_back(situation, numbers)
        or _retrain(situation, numbers)
        or _collect_actuals(situation, numbers)
        or _keep(situation, numbers)
    )
    return Judged(judged.verdict, judged.numbers, (*judged.reasons, *_circumstances(situation)), judged.would_change_it)


def risen_since(means: Sequence[Mean | None]) -> int | None:
    """Return the place of the first of the newest means that all lie above the mean of those before, by more than chance.

    None where the newest does not, or there is nothing before it.
    """
    for place in range(1, len(means)):
        before = pooled([one for one in means[:place] if one is not None])
        after = [one for one in means[place:] if one is not None]
        if before is not None and means[place] is not None and all(_is_above(one, before) for one in after):
            return place
    return None


def _is_above(one: Mean, other: Mean) -> bool:
    if one.standard_error is None or other.standard_error is None:
        return False
    # Of losses that are all the same, the mean is no more than rounded.
    if math.isclose(one.value, other.value):
        return False
    return one.value - other.value > SURE * math.hypot(one.standard_error, other.standard_error)


def _fix_data(situation: Situation, numbers: Numbers) -> Judged | None:
    since = risen_since([one.champion_mean for one in situation.periods])
    if since is None:
        return None
    rose = situation.periods[since]
    explaining = [fault for fault in situation.faults if fault.since <= Hour.parse(rose.end).start]
    if not explaining:
        return None
    before = pooled([one for period in situation.periods[:since] if (one := period.champion_mean) is not None])
    reasons = (
        (
            f"the loss of {situation.champion} rose in the period from {rose.start}, from {_said(before)} to "
            f"{_said(rose.champion_mean)}, and a data fault had begun by then"
        ),
        *(fault.reason for fault in explaining),
    )
    return Judged(Verdict.FIX_DATA, numbers, reasons, "the end of the data fault: then the loss is judged without it")


def _roll_back(situation: Situation, numbers: Numbers) -> Judged | None:
    best = situation.best_earlier
    if best is None:
        return None
    version, gap = best
    if gap.standard_error is None or gap.value <= CERTAIN * gap.standard_error:
        return None
    challenger = situation.challenger_gap
    if challenger is not None and challenger.value > gap.value:
        return None
    reasons = (
        (
            f"{version}, which answered before, loses {_said(gap)} less than {situation.champion} on the same rows of the last "
            f"{_count(min(RECENT, len(situation.periods)), 'period')}"
        ),
        "no challenger was measured beside it"
        if challenger is None
        else f"the newest challenger, {situation.challenger}, loses {_said(challenger)} less",
    )
    return Judged(
        Verdict.ROLL_BACK,
        numbers,
        reasons,
        f"a gap to {version} of no more than {_short(CERTAIN * gap.standard_error)}, or a challenger with a larger one",
    )


def _retrain(situation: Situation, numbers: Numbers) -> Judged | None:
    weighed = situation.weighed
    if weighed is None or not weighed.retrain:
        return None
    ready = situation.to_promote
    how = (
        "no challenger is there to promote: train a version"
        if ready is None
        else f"promote {ready}, the newest challenger"
    )
    return Judged(
        Verdict.RETRAIN,
        numbers,
        (_would_have_saved(situation, weighed), _expected(situation, weighed), how),
        f"a cost above {_short(min(weighed.regret, weighed.benefit))}",
    )


def _collect_actuals(situation: Situation, numbers: Numbers) -> Judged | None:
    weighed = situation.weighed
    asked, rows = sum(one.asked for one in situation.asked), sum(one.rows for one in situation.asked)
    if weighed is None or asked <= rows:
        return None
    if weighed.rule is Rule.NOT_MEASURED:
        return _collect_first(situation, numbers, weighed.cost)
    unsure = SURE * weighed.standard_error
    if weighed.rule is Rule.NOT_PAID:
        lacking, question = weighed.cost - weighed.regret, "it may have paid"
    elif weighed.rule is Rule.NOT_SURE:
        lacking, question = weighed.measured, "it may be chance"
    else:
        return None
    if unsure < lacking:
        return None
    wanted = math.ceil(rows * (unsure / lacking) ** 2)
    if wanted > asked:
        return None
    more = situation.of_all(max(wanted - rows, 1))
    reason = f"{question}, and about {more:,} of the actuals that are missing would tell"
    return _collecting(numbers, more, _would_have_saved(situation, weighed), reason)


def _collect_first(situation: Situation, numbers: Numbers, cost: float) -> Judged | None:
    """Answer where too few actuals are known of what a challenger was asked: it can save no more than it answers otherwise."""
    differing = [one.disagreement for one in situation.asked if one.disagreement is not None]
    most = math.fsum(differing)
    if not differing or most < cost:
        return None
    asked, rows = sum(one.asked for one in situation.asked), sum(one.rows for one in situation.asked)
    known = f"too few actuals ({rows:,}) are known" if rows else "no actual is known"
    reason = (
        f"{known} of what {situation.challenger} was asked; its answers differ so much that it may have saved up "
        f"to {_short(most)}, and a retrain costs {_short(cost)}"
    )
    if situation.periods[-1].loss is not Loss.ERROR:
        return _collecting(numbers, None, reason)
    # Of right and wrong answers, the squared difference of a row is 1 where they differ at most, and else 0.
    wanted = math.ceil(len(differing) * most * (SURE / cost) ** 2)
    more = situation.of_all(max(min(max(wanted, FEWEST_ROWS), asked) - rows, 1))
    return _collecting(numbers, more, f"{reason}; about {more:,} actuals would tell")


def _collecting(numbers: Numbers, more: int | None, *reasons: str) -> Judged:
    told = msgspec.structs.replace(numbers, actuals_needed=more)
    wanted = "actuals" if more is None else f"about {more:,} more actuals"
    return Judged(Verdict.COLLECT_ACTUALS, told, reasons, f"{wanted} of predictions that have none yet")


def _keep(situation: Situation, numbers: Numbers) -> Judged:
    weighed = situation.weighed
    if weighed is not None:
        reasons, would_change_it = _keep_by_rule(situation, weighed)
    elif situation.is_stated:
        reasons = ("what a retrain costs is stated for rows, or in parts of a loss, and none is known yet",)
        would_change_it = "a period with predictions and actuals"
    else:
        reasons, would_change_it = ("no retrain_cost is stated, so that no retrain is priced",), STATE_IT
    return Judged(Verdict.KEEP, numbers, reasons, would_change_it)


def _keep_by_rule(situation: Situation, weighed: Weighed) -> tuple[tuple[str, ...], str]:
    """Return the reasons, and what would change it."""
    if weighed.rule is Rule.NOT_MEASURED:
        nothing = f"no challenger was measured beside {situation.champion} yet, so that nothing says what a retrain would save"
        return (nothing,), f"a challenger that was asked for a period, and {FEWEST_ROWS} actuals of that period"
    saved, cost = _would_have_saved(situation, weighed), _short(weighed.cost)
    now = f"now {_short(weighed.regret)}{_plus_minus(weighed.standard_error)}"
    if weighed.rule is Rule.NOT_PAID:
        return (saved,), f"retrain once the saving exceeds {cost} ({now})"
    if weighed.rule is Rule.NOT_SURE:
        chance = f"that is past the cost, but within {SURE:g} standard errors of nothing: it may be chance"
        least = _short(SURE * weighed.standard_error)
        measured = f"now {_short(weighed.measured)}{_plus_minus(weighed.standard_error)}"
        would = f"retrain once the measured saving exceeds {SURE:g} standard errors, {least} ({measured})"
        return (saved, chance), would
    closes = f"it would have paid, but is not expected to: {_expected(situation, weighed)}, which is below {cost}"
    return (saved, closes), f"retrain once a swap is expected to save {cost} (now {_short(weighed.benefit)})"


def _would_have_saved(situation: Situation, weighed: Weighed) -> str:
    measured = f"{_count(weighed.measured_periods, 'period')} measured"
    if weighed.regret != weighed.measured:
        estimated = _short(weighed.regret - weighed.measured)
        measured += f"; {estimated} of it is estimated of later ones, by how much answers differ"
    return (
        f"the newest challengers would have saved {_short(weighed.regret)}{_plus_minus(weighed.standard_error)} since "
        f"{situation.champion} answers ({measured}), and a retrain costs {_short(weighed.cost)}, in mean losses times periods"
    )


def _expected(situation: Situation, weighed: Weighed) -> str:
    """Say what a swap promises: the gap, times the share that is left of one, times the periods."""
    more = "more" if weighed.gap >= 0 else "less"
    return (
        f"{situation.champion} loses {_short(abs(weighed.gap))} {more} a row now; of past gaps {_short(weighed.lasting)} were left "
        f"over {_count(weighed.horizon, 'period')} on average, so that a swap is expected to save {_short(weighed.benefit)}"
    )


def _circumstances(situation: Situation) -> tuple[str, ...]:
    """Return what a person should know whatever the verdict."""
    if not situation.periods:
        return (f"{situation.champion} has not answered for most of a period yet",)
    newest = situation.periods[-1]
    said = [
        f"of {_count(newest.predictions, 'prediction')} in the period from {newest.start}, {newest.rows:,} have an actual"
        + ("" if newest.champion_mean is None else f"; the mean loss ({newest.loss}) is {_said(newest.champion_mean)}")
    ]
    said += [f"{newest.champion} cannot be judged: {newest.reason}"] if newest.reason else []
    said += [f"{one.version} was not asked: {one.left_out}" for one in newest.compared if one.left_out]
    return tuple(said)


def _short(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.3g}"


def _plus_minus(error: float | None) -> str:
    return "" if error is None else f" ± {error:.2g}"


def _said(mean: Mean | None) -> str:
    return "unknown" if mean is None else f"{_short(mean.value)}{_plus_minus(mean.standard_error)}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
