"""What happened in a story, and what of it should have happened and did not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.local.demo import outcome
from infra.local.demo.commands import CHALLENGER, CHAMPION
from infra.local.demo.traffic import Ledger
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation
from shared.registry.manifest import Lineage

_HEAT: Final = "temp"
_PASSED_OVER: Final = (
    "later days were settled when it came to that, or none was; the machine had too much else to do if host.log says nothing "
    "else, and make demo will do when it has less"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened.

    Attributes:
        days: the first hour of each day that was sent.
        ledger: what the sender wrote down.
        found: what is at rest.
        alerts: what arrived at the webhook.
        newest: the evaluation that was the newest when everything was sent, as the app answers it.
        estimated: the newest evaluation that sets estimated performance beside what turned out; None without one.
        alarming: the evaluation that the drift alert names; None without one.
        drifted: the features whose drift was a breach in any evaluation.
        taught: what was said of the challenger's training.
        lineage: how the challenger was made, as it is stored; None where that is not known.
        decided: the decision of each day that there is one of, by the key of its first hour.
        joined: how many of the predictions that were sent have an actual.
        status: what became of actuals, as the command line says it.
        replayed: what the monitor would have said of two quiet weeks.
        sealed: whether every hour that was sent is sealed.
    """

    days: Sequence[Hour]
    ledger: Ledger
    found: outcome.Stored
    alerts: Sequence[dict[str, Any]]
    newest: dict[str, Any]
    estimated: Evaluation | None
    alarming: Evaluation | None
    drifted: Collection[str]
    taught: dict[str, Any]
    lineage: Lineage | None
    decided: dict[str, outcome.Decided]
    joined: int
    status: dict[str, Any]
    replayed: dict[str, Any]
    sealed: bool


def problems(story: Story) -> list[str]:
    """Return what did not happen."""
    lost, doubled = outcome.lost_and_doubled(story.ledger, story.found)
    undecided = [day.key for day in story.days if day.key not in story.decided]
    decided = [story.decided[day.key] for day in story.days if day.key in story.decided]
    unasked = [one.decision.start for one in decided if not _asked(one)]
    again = sum(story.status[name] for name in ("duplicate", "corrected", "unknown"))
    answered = story.found.answered
    checks = {
        "no row was scored": story.ledger.rows > 0,
        f"rows were kept in other ways than acknowledged: {story.ledger.kept}": set(story.ledger.kept) == {"acked"},
        f"{lost} acknowledged rows are not in storage": lost == 0,
        f"{doubled} rows are in storage twice": doubled == 0,
        "not every hour was sealed in time": story.sealed,
        f"{story.found.actuals} of {story.ledger.actuals} actuals are in storage": (
            story.found.actuals == story.ledger.actuals > 0
        ),
        f"{story.joined} of {story.ledger.actuals} actuals were joined": story.joined == story.ledger.actuals,
        f"{again} actuals were joined twice, or to nothing": again == 0,
        f"nothing was decided about {', '.join(undecided)}: {_PASSED_OVER}": not undecided,
        "a decision gives no reason": all(one.decision.reasons for one in decided),
        "rows of the dataset are not accounted for": _adds_up(story.taught),
        "a check of the dataset failed": set(story.taught["checks"].values()) <= {"ok", "warned", "unknown"},
        "the challenger's lineage does not name its dataset": (
            story.lineage is not None and story.lineage.dataset == story.taught["dataset"]
        ),
        "the challenger was not compared on rows held out": _difference(story.taught) is not None,
        f"the challenger was asked nothing of {', '.join(unasked)}": not unasked,
        f"others than the champion answered: {dict(answered)}": set(answered) <= {CHAMPION},
        "no drift alert arrived with a signature that fits": story.alarming is not None,
        "the drift alert is not calibrated": story.alarming is not None and not story.alarming.is_calibrating,
        "no evaluation names the heat of summer": _HEAT in story.drifted,
        "the newest evaluation judged no row": story.newest.get("rows", 0) > 0,
        "two quiet weeks were not quiet": story.replayed.get("looks", 0) > 0 and not story.replayed["alarms"],
    }
    return [problem for problem, happened in checks.items() if not happened]


def _adds_up(taught: dict[str, Any]) -> bool:
    """Whether every prediction that a dataset was made of is in it, or left out for a reason."""
    kept: int = taught["rows"] + taught["held_out"]
    return kept > 0 and taught["predictions"] == kept + sum(taught["excluded"].values())


def _difference(taught: dict[str, Any]) -> float | None:
    compared = taught["comparison"] or {}
    difference: float | None = compared.get("difference")
    return difference


def _asked(one: outcome.Decided) -> int:
    """Return of how many rows of a day it is known what the challenger's answer cost."""
    beside = one.losses.beside(CHALLENGER)
    return beside.rows if beside else 0
