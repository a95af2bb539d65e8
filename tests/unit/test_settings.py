"""What can be set from outside."""

import base64

import pytest

from shared.errors import InvalidSettings
from shared.settings import Settings

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
ENV = {
    "STORAGE": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=storage-key;BlobEndpoint=http://127.0.0.1:1/a;",
    "EVENTS": "Endpoint=sb://127.0.0.1:2;SharedAccessKeyName=n;SharedAccessKey=events-key;",
    "EVENTS_HUB": "driftline",
    "EVENTS_CONSUMER_GROUP": "capture",
    "DRAIN_SCHEDULE": "*/30 * * * * *",
    "ACCOUNT_SCHEDULE": "0 */15 * * * *",
    "SEAL_SCHEDULE": "0 */5 * * * *",
    "JOIN_SCHEDULE": "0 */5 * * * *",
    "MONITOR_SCHEDULE": "0 */10 * * * *",
    "DECIDE_SCHEDULE": "0 5 * * * *",
    "DATASETS_SCHEDULE": "20 * * * * *",
    "DELIVER_SCHEDULE": "*/30 * * * * *",
}


def problems_of(**changes: str) -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env({**ENV, **changes})
    return caught.value.problems


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    """Templates and settings files have no other way of leaving one out."""
    assert Settings.from_env({**ENV, "MAX_ROWS": "", "WEBHOOKS": "", "CLOCK": ""}) == Settings.from_env(ENV)
    assert problems_of(EVENTS_HUB="") == ("EVENTS_HUB is missing",)


def test_every_problem_is_named_at_once() -> None:
    """Whoever sets up an app should not have to start it once for each mistake."""
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env({"MAX_ROWS": "many", "CAPTURE": "yes", "WEBHOOKS": "https://example.com"})

    named = [problem.split()[0] for problem in caught.value.problems]
    schedules = {
        f"{timer}_SCHEDULE"
        for timer in ("DRAIN", "SEAL", "ACCOUNT", "JOIN", "MONITOR", "DECIDE", "DATASETS", "DELIVER")
    }
    needed = {"STORAGE", "EVENTS", "EVENTS_HUB", "EVENTS_CONSUMER_GROUP"} | schedules
    assert set(named) == needed | {"MAX_ROWS", "CAPTURE", "WEBHOOK_SECRET"}
    assert len(named) == len(set(named))
    assert all(problem in str(caught.value) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("STORAGE", "rubbish"),
        ("DATASETS_BUDGET_S", "0"),
        ("DATASETS_BUDGET_S", "301"),
        ("STORAGE", "http://127.0.0.1:10000/account"),
        ("EVENTS", "driftline.servicebus.windows.net"),
        ("EVENTS", "Endpoint=driftline;SharedAccessKeyName=n;SharedAccessKey=k"),
        ("EVENTS", "Endpoint=sb://driftline.servicebus.windows.net;SharedAccessKeyName=n;SharedAccessKey="),
        ("EVENTS", "Endpoint=sb://driftline.servicebus.windows.net"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=hush"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "rubbish"),
        ("CLOCK", "yesterday"),
        ("CLOCK", "2013-07-01T00:00:00@60@0"),
        ("CLOCK", "2013-07-01T00:00:00+00:00@-1@0"),
        ("CLOCK", "2013-07-01T00:00:00+00:00@60@nan"),
        ("EVENTS_CONSUMER_GROUP", "$Default"),
        ("CAPTURE_ACK", "disk"),
        ("CAPTURE_ONE_IN", "0"),
        ("PRIVACY_KEY", "c2hvcnQ="),
        ("HOURS_KEPT_DAYS", "never"),
        ("MAX_ROWS", "0"),
        ("MAX_BODY_BYTES", "4 MiB"),
        ("MAX_DEPTH", "-1"),
        ("CAPTURE", "1"),
        ("CAPTURE_TIMEOUT_S", "0"),
        ("CAPTURE_TIMEOUT_S", "nan"),
        ("SEAL_GRACE_S", "inf"),
        ("SEAL_SCHEDULE", "*/5 * * * *"),
        ("WEBHOOKS", "example.com"),
        ("WEBHOOKS", "https://example.com ftp://example.com"),
        ("WEBHOOK_SECRET", "hush"),
        ("WEBHOOK_SECRET", "whsec_not base64"),
        ("WEBHOOK_SECRET", "whsec_" + base64.b64encode(bytes(23)).decode()),
        ("WEBHOOK_SECRET", "whsec_" + base64.b64encode(bytes(65)).decode()),
    ],
)
def test_what_cannot_be_read_is_named_without_being_told(name: str, text: str) -> None:
    """It stops the start, instead of the first request that needs it; and it may be a secret with a typing error."""
    (problem,) = problems_of(**{"WEBHOOK_SECRET": SECRET, name: text})

    assert problem.startswith(f"{name} cannot be read: ")
    if name in {"STORAGE", "EVENTS", "APPLICATIONINSIGHTS_CONNECTION_STRING", "WEBHOOKS", "WEBHOOK_SECRET"}:
        assert text not in problem.removeprefix(name)


def test_access_by_identity_needs_no_connection_string() -> None:
    settings = Settings.from_env(
        {
            **ENV,
            "STORAGE": "https://account.blob.core.windows.net",
            "EVENTS": "",
            "EVENTS__fullyQualifiedNamespace": "driftline.servicebus.windows.net",
        }
    )

    assert settings.events_namespace == "driftline.servicebus.windows.net"
    assert settings.events == ""


def test_secrets_are_not_printed() -> None:
    """Settings are values, and values end up in logs."""
    settings = Settings.from_env(
        {
            **ENV,
            "WEBHOOKS": "https://hooks.example.com/secret-path",
            "WEBHOOK_SECRET": SECRET,
            "PRIVACY_KEY": "cHJpdmFjeSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcy4=",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=00000000-0000-0000-0000-00000000beef",
        }
    )

    assert not any(
        secret in repr(settings) for secret in ("storage-key", "events-key", "secret-path", "whsec_", "cHJp", "beef")
    )
    assert settings.webhook_secret == SECRET


def test_webhooks_are_parted_by_blanks() -> None:
    settings = Settings.from_env(
        {**ENV, "WEBHOOKS": " https://a.example \n https://b.example/x ", "WEBHOOK_SECRET": SECRET}
    )

    assert settings.webhooks == ("https://a.example", "https://b.example/x")


def test_nothing_is_deleted_that_a_late_event_may_still_need() -> None:
    """A log deleted too soon is begun anew by an event that comes again, and that event is then there twice."""
    assert problems_of(EVENTS_RETENTION_DAYS="8") == (
        "LOGS_KEPT_DAYS is less than EVENTS_RETENTION_DAYS and 7 days more",
    )
    assert problems_of(HOURS_KEPT_DAYS="13") == ("HOURS_KEPT_DAYS is less than LOGS_KEPT_DAYS",)
    assert problems_of(DEAD_KEPT_DAYS="13") == ("DEAD_KEPT_DAYS is less than LOGS_KEPT_DAYS",)
    assert problems_of(ACTUALS_STAND_DAYS="6") == ("ACTUALS_STAND_DAYS is less than EVENTS_RETENTION_DAYS",)
    assert Settings.from_env({**ENV, "HOURS_KEPT_DAYS": "forever"}).hours_kept_days == 0


def test_what_must_be_kept_is_sent_and_looked_after() -> None:
    """Both would answer 200 for records that are nowhere, to somebody who asked for a 503."""
    assert problems_of(CAPTURE_REQUIRED="true", CAPTURE="false") == ("CAPTURE_REQUIRED is true, and CAPTURE is false",)
    assert problems_of(CAPTURE_REQUIRED="true", CAPTURE_ACK="none") == (
        "CAPTURE_REQUIRED is true, and CAPTURE_ACK is none",
    )
