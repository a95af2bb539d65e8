"""When a message is due again, and when no more."""

from datetime import timedelta
from itertools import pairwise

import msgspec

from shared import documents
from shared.alerts.lifecycle import News
from shared.alerts.messages import AlertOpened, DecisionChange, DecisionChanged, type_of
from shared.alerts.outbox import RETRIES_AFTER, Entry, webhook_digest
from tests.unit.alerts.looks import CONFIG, MIDNIGHT, opened_at

MESSAGE = AlertOpened(timestamp=MIDNIGHT, data=opened_at(10))
ENTRY = Entry(id="msg_1", webhook=webhook_digest("https://example.com"), message=MESSAGE, due_at=MIDNIGHT)


def test_retries_are_those_of_standard_webhooks() -> None:
    """They stretch over three days: a receiver may be down over a weekend's start."""
    assert all(earlier < later for earlier, later in pairwise(RETRIES_AFTER))
    assert sum(RETRIES_AFTER, timedelta()) > timedelta(days=3)


def test_each_failure_puts_the_next_attempt_off_for_longer() -> None:
    entry, now = ENTRY, MIDNIGHT
    for number, wait in enumerate(RETRIES_AFTER, start=1):
        entry = entry.failed("answered 500", at=now)
        assert (entry.attempts, entry.due_at, entry.outcome) == (number, now + wait, None)
        now = entry.due_at

    last = entry.failed("answered 503", at=now)

    assert (last.attempts, last.outcome, last.failure) == (len(RETRIES_AFTER) + 1, "given up", "answered 503")


def test_an_attempt_that_comes_late_counts_from_when_it_was_made() -> None:
    entry = ENTRY.failed("answered 500", at=MIDNIGHT + timedelta(hours=7))

    assert entry.due_at == MIDNIGHT + timedelta(hours=7) + RETRIES_AFTER[0]


def test_the_message_stays_the_same_at_every_attempt() -> None:
    """A receiver tells a repetition by its id and its bytes."""
    again = ENTRY.failed("answered 500", at=MIDNIGHT).failed("answered 500", at=MIDNIGHT)

    assert (again.id, again.message) == (ENTRY.id, ENTRY.message)


def test_an_entry_that_ended_without_an_attempt_counts_none() -> None:
    assert ENTRY.ended("given up", failure="the webhook is gone", posted=0).attempts == 0
    assert ENTRY.ended("delivered").attempts == 1


def test_what_is_posted_tells_nothing_of_how_it_is_kept() -> None:
    posted = msgspec.json.decode(msgspec.json.encode(MESSAGE))

    assert set(posted) == {"type", "timestamp", "data"}
    assert "untold" not in posted["data"]
    assert posted["type"] == f"alert.{News.OPENED}"


def test_what_is_posted_says_which_configuration_made_it() -> None:
    posted = msgspec.json.decode(msgspec.json.encode(MESSAGE))

    assert posted["data"]["config"] == CONFIG


def test_a_webhook_is_known_without_its_address() -> None:
    """An address may be its own password."""
    digest = webhook_digest("https://example.com/hush")

    assert "hush" not in digest
    assert digest == webhook_digest("https://example.com/hush") != webhook_digest("https://example.com/other")


KEPT = """{
 "format": 1,
 "id": "msg_1",
 "webhook": "100680ad546ce6a5",
 "message": {
  "type": "alert.resolved",
  "timestamp": "2026-03-01T00:00:00Z",
  "data": %s
 },
 "attempts": 0,
 "due_at": "2026-03-01T00:00:00Z",
 "failure": null,
 "outcome": null
}"""


def test_news_that_waits_since_before_there_was_other_news_than_of_alerts_is_read() -> None:
    alert = msgspec.json.format(msgspec.json.encode(opened_at(10)), indent=0)

    entry = documents.decode(KEPT.encode() % alert, Entry, path="p")

    assert (type_of(entry.message), entry.message.data) == ("alert.resolved", opened_at(10))


def test_a_changed_decision_is_news_like_any_other() -> None:
    change = DecisionChange(
        id="flights.decision-1.2026-03-01T00",
        model="flights",
        version="1",
        verdict="retrain",
        before="keep",
        reasons=("it pays",),
        would_change_it="a higher cost",
        decision="monitoring/decisions/model=flights/2026-02-28T00-0.json",
    )
    entry = Entry(id="msg_2", webhook="w", message=DecisionChanged(timestamp=MIDNIGHT, data=change), due_at=MIDNIGHT)

    assert documents.decode(documents.encode(entry), Entry, path="p") == entry
    assert msgspec.json.decode(msgspec.json.encode(entry.message))["type"] == "decision.changed"
