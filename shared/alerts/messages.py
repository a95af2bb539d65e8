"""What is posted, in the shape that Standard Webhooks suggests: a type, a time, and what it is about."""

from datetime import datetime
from typing import TypeAlias

import msgspec

from shared.alerts.lifecycle import Alert, News


class DecisionChange(msgspec.Struct, frozen=True, kw_only=True):
    """A retrain decision that says something else than the one before it.

    Attributes:
        id: names the model, which change of its decisions this is, and the end of the period it was made after.
        version: the one that answered.
        verdict: what is to be done now.
        before: what was to be done until now.
        reasons: for a person, with the numbers.
        would_change_it: what would have to be so for another verdict.
        decision: where the decision is stored.
    """

    id: str
    model: str
    version: str
    verdict: str
    before: str
    reasons: tuple[str, ...]
    would_change_it: str
    decision: str


class AlertOpened(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="alert.opened"):
    """Something has breached."""

    timestamp: datetime
    data: Alert


class AlertResolved(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="alert.resolved"):
    """What had breached does so no more."""

    timestamp: datetime
    data: Alert


class DecisionChanged(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="decision.changed"):
    """Another thing is to be done about a model."""

    timestamp: datetime
    data: DecisionChange


Message: TypeAlias = AlertOpened | AlertResolved | DecisionChanged


def of_alert(alert: Alert, news: News, *, at: datetime) -> Message:
    """Return what is posted of an alert's news."""
    kind = AlertOpened if news is News.OPENED else AlertResolved
    return kind(timestamp=at, data=alert)


def type_of(message: Message) -> str:
    """Return its type, as it stands in what is posted.

    >>> change = DecisionChange(
    ...     id="", model="", version="", verdict="", before="", reasons=(), would_change_it="", decision=""
    ... )
    >>> type_of(DecisionChanged(timestamp=datetime(2026, 3, 1), data=change))
    'decision.changed'
    """
    return str(message.__struct_config__.tag)
