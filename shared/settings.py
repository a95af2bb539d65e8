"""What can be set from outside, read once and all together."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

from shared.clock import Clock
from shared.errors import InvalidSettings
from shared.telemetry.connection import Connection

_REAL_TIME = Clock.real()
_IDENTITY = "EVENTS__fullyQualifiedNamespace"


def _positive(text: str) -> float:
    number = float(text)
    if not 0.0 < number < float("inf"):
        raise ValueError("it is not a number above 0")
    return number


def _budget(text: str) -> float:
    number = _positive(text)
    if number > 300.0:
        raise ValueError("it is more than 300, and what is begun last has to end within host.json's functionTimeout")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("it is not a whole number above 0")
    return number


def _days(text: str) -> int:
    return 0 if text == "forever" else _count(text)


def _acknowledgement(text: str) -> str:
    if text not in {"hub", "none"}:
        raise ValueError("it is neither hub nor none")
    return text


def _privacy_key(text: str) -> str:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) < 32:
        raise ValueError("it is not 32 bytes or more in base64")
    return text


def _switch(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError("it is neither true nor false") from None


def _schedule(text: str) -> str:
    if len(text.split()) != 6:
        raise ValueError("a schedule has six fields: second minute hour day month weekday")
    return text


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(text.split())
    for url in urls:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
            raise ValueError("these are not http(s) addresses parted by blanks")
    return urls


def _storage(text: str) -> str:
    if not text.startswith("https://") and _names(text).isdisjoint({"accountname", "blobendpoint"}):
        raise ValueError("it is neither a connection string nor an https address")
    return text


def _group(text: str) -> str:
    if text.lower() == "$default":
        raise ValueError("it must be a group of capture's own: events it was not handed are read back in $Default")
    return text


def _events(text: str) -> str:
    said = {
        name.strip().lower(): value for name, _, value in (part.partition("=") for part in text.split(";")) if value
    }
    if not urlsplit(said.get("endpoint", "")).netloc:
        raise ValueError("it is not a connection string, with an Endpoint")
    if "sharedaccesssignature" not in said and not said.keys() >= {"sharedaccesskeyname", "sharedaccesskey"}:
        raise ValueError("it has neither SharedAccessKeyName and SharedAccessKey nor a SharedAccessSignature")
    return text


def _insights(text: str) -> str:
    Connection.parse(text)
    return text


def _secret(text: str) -> str:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("it is not whsec_ and 24 to 64 bytes in base64")
    return text


def _names(connection: str) -> set[str]:
    return {part.partition("=")[0].strip().lower() for part in connection.split(";")}


def _one(text: str) -> str:
    return text


def _setting(parse: Callable[[str], Any], *, env: str | None = None, secret: bool = False, **default: Any) -> Any:  # noqa: ANN401
    """Declare a setting: how its text is read, and the variable's name where it is not the field's."""
    return field(metadata={"parse": parse, "env": env}, repr=not secret, **default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field per environment variable of the same name, upper-cased.

    The Functions host itself reads ``EVENTS…`` and ``AzureWebJobsStorage`` for its triggers and timers, and the
    schedules.
    """

    storage: str = _setting(_storage, secret=True)
    """A connection string, or the https address of the blob endpoint for access by identity."""
    storage_timeout_s: float = _setting(_positive, default=30.0)
    events: str = _setting(_events, secret=True, default="")
    """A connection string of the Event Hubs namespace, or nothing for access by identity."""
    events_namespace: str = _setting(_one, env=_IDENTITY, default="")
    events_credential: str = _setting(_one, env="EVENTS__credential", default="")
    events_client_id: str = _setting(_one, env="EVENTS__clientId", default="")
    events_hub: str = _setting(_one)
    events_consumer_group: str = _setting(_group)
    azure_client_id: str = _setting(_one, default="")
    """The user-assigned identity to use; nothing means whatever identity is there."""
    applicationinsights_connection_string: str = _setting(_insights, secret=True, default="")
    clock: Clock = _setting(Clock.parse, default=_REAL_TIME)  # noqa: RUF009 - a declaration

    max_body_bytes: int = _setting(_count, default=4 * 1024 * 1024)
    max_rows: int = _setting(_count, default=1_000)
    max_depth: int = _setting(_count, default=32)

    capture: bool = _setting(_switch, default=True)
    capture_required: bool = _setting(_switch, default=False)
    capture_timeout_s: float = _setting(_positive, default=5.0)
    capture_ack: str = _setting(_acknowledgement, default="hub")
    capture_one_in: int = _setting(_count, default=1)
    capture_lag_s: float = _setting(_positive, default=900.0)
    privacy_key: str = _setting(_privacy_key, secret=True, default="")
    drain_schedule: str = _setting(_schedule)
    spool_max_age_s: float = _setting(_positive, default=3600.0)

    seal_schedule: str = _setting(_schedule)
    seal_grace_s: float = _setting(_positive, default=900.0)
    account_schedule: str = _setting(_schedule)
    events_retention_days: int = _setting(_count, default=7)
    logs_kept_days: int = _setting(_count, default=14)
    hours_kept_days: int = _setting(_days, default=0)
    dead_kept_days: int = _setting(_days, default=90)
    join_schedule: str = _setting(_schedule)
    actuals_stand_days: int = _setting(_count, default=14)
    monitor_schedule: str = _setting(_schedule)
    decide_schedule: str = _setting(_schedule)
    datasets_schedule: str = _setting(_schedule)
    datasets_budget_s: float = _setting(_budget, default=45.0)
    datasets_memory_mib: int = _setting(_count, default=512)
    deliver_schedule: str = _setting(_schedule)

    webhooks: tuple[str, ...] = _setting(_urls, secret=True, default=())
    webhook_secret: str = _setting(_secret, secret=True, default="")
    webhook_timeout_s: float = _setting(_positive, default=10.0)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Build settings from environment variables; an empty variable is one that is not set.

        Raises:
            InvalidSettings: naming every variable that is missing or unreadable.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for one in fields(cls):
            name = variable(one)
            text = env.get(name, "")
            if text:
                try:
                    values[one.name] = one.metadata["parse"](text)
                except ValueError as reason:
                    problems.append(f"{name} cannot be read: {reason}")
            elif one.default is MISSING:
                problems.append(f"{name} is missing")
        if not env.get("EVENTS") and not env.get(_IDENTITY):
            problems.append(f"EVENTS is missing (a connection string; or {_IDENTITY} for access by identity)")
        if env.get("WEBHOOKS") and not env.get("WEBHOOK_SECRET"):
            problems.append("WEBHOOK_SECRET is missing: WEBHOOKS is set, and what is posted is signed (whsec_<base64>)")
        if not problems:
            made = cls(**values)
            problems = [*_problems_of_capture(made), *_problems_of_keeping(made)]
        if problems:
            raise InvalidSettings(tuple(problems))
        return made


def _problems_of_capture(ours: Settings) -> list[str]:
    """Records that must be kept have to be sent, and somebody has to look whether they arrived."""
    problems: list[str] = []
    if ours.capture_required and not ours.capture:
        problems.append("CAPTURE_REQUIRED is true, and CAPTURE is false")
    if ours.capture_required and ours.capture_ack == "none":
        problems.append("CAPTURE_REQUIRED is true, and CAPTURE_ACK is none")
    return problems


def _problems_of_keeping(ours: Settings) -> list[str]:
    """What the hub may still deliver must find its log, what is in a log its sealed hour, and a prediction its actual."""
    problems: list[str] = []
    if ours.logs_kept_days < ours.events_retention_days + 7:
        problems.append("LOGS_KEPT_DAYS is less than EVENTS_RETENTION_DAYS and 7 days more")
    if 0 < ours.hours_kept_days < ours.logs_kept_days:
        problems.append("HOURS_KEPT_DAYS is less than LOGS_KEPT_DAYS")
    if 0 < ours.dead_kept_days < ours.logs_kept_days:
        problems.append("DEAD_KEPT_DAYS is less than LOGS_KEPT_DAYS")
    if ours.actuals_stand_days < ours.events_retention_days:
        problems.append("ACTUALS_STAND_DAYS is less than EVENTS_RETENTION_DAYS")
    return problems


def variable(one: "Field[Any]") -> str:
    """Return the name of the environment variable that a field of ``Settings`` is read from."""
    return one.metadata["env"] or one.name.upper()
