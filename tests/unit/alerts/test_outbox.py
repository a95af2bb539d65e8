"""When a message is due again, and when no more."""

from datetime import timedelta
from itertools import pairwise

import msgspec

from shared.alerts.lifecycle import News
from shared.alerts.outbox import RETRIES_AFTER, Entry, Message, webhook_digest
from tests.unit.alerts.looks import CONFIG, MIDNIGHT, opened_at

MESSAGE = Message(type="alert.opened", timestamp=MIDNIGHT, data=opened_at(10))
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
