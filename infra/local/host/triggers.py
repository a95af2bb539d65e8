"""The triggers of an app, read from the bindings of its functions."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.host.engine import IndexedFunction
from infra.local.host.errors import CannotStart
from infra.local.host.keys import AuthLevel
from infra.local.host.routes import Route
from infra.local.host.schedules import Schedule

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTrigger:
    """``methods`` is empty when every method is let in."""

    function: IndexedFunction
    argument: str
    route: Route
    methods: frozenset[str]
    level: AuthLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHubTrigger:
    """``connection`` names a setting; unless ``binary``, bodies pass as UTF-8 text and lose what is not."""

    function: IndexedFunction
    argument: str
    hub: str
    consumer_group: str
    connection: str
    binary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """``monitored``: whether a tick that was missed while no host ran is noticed."""

    function: IndexedFunction
    argument: str
    schedule: Schedule
    run_on_startup: bool
    monitored: bool


Trigger = HttpTrigger | EventHubTrigger | TimerTrigger


def read_triggers(functions: Sequence[IndexedFunction], *, route_prefix: str) -> tuple[Trigger, ...]:
    """Read the trigger of every function, whose settings have been resolved.

    Raises:
        CannotStart: naming every binding that this host does not know or that does not hold.
    """
    triggers: list[Trigger] = []
    problems: list[str] = []
    for function in functions:
        try:
            triggers.append(_trigger(function, route_prefix))
        except (CannotStart, ValueError) as error:
            problems.append(f"{function.name}: {error}")
    if problems:
        raise CannotStart("\n".join(problems))
    return tuple(triggers)


def _trigger(function: IndexedFunction, route_prefix: str) -> Trigger:
    others = [binding for binding in function.bindings if not _is_http_return(binding)]
    if len(others) != 1:
        types = ", ".join(binding["type"] for binding in others)
        raise CannotStart(f"this host knows functions with one trigger and no other binding, not with: {types}")
    binding = others[0]
    match binding["type"]:
        case "httpTrigger":
            return _http(function, binding, route_prefix)
        case "eventHubTrigger":
            return _event_hub(function, binding)
        case "timerTrigger":
            return _timer(function, binding)
        case other:
            raise CannotStart(f"this host does not know bindings of type {other}")


def _is_http_return(binding: Mapping[str, Any]) -> bool:
    return bool(binding["type"] == "http" and binding["name"] == "$return")


def _http(function: IndexedFunction, binding: Mapping[str, Any], prefix: str) -> HttpTrigger:
    return HttpTrigger(
        function=function,
        argument=binding["name"],
        route=Route.parse(binding.get("route") or function.name, prefix=prefix),
        methods=frozenset(method.upper() for method in binding.get("methods") or ()),
        level=AuthLevel(str(binding.get("authLevel") or AuthLevel.FUNCTION).lower()),
    )


def _event_hub(function: IndexedFunction, binding: Mapping[str, Any]) -> EventHubTrigger:
    if str(binding.get("cardinality", "many")).lower() != "many":
        raise CannotStart("this host knows cardinality many only")
    data_type = str(binding.get("dataType") or "").lower()
    if not data_type:
        logger.warning(
            "data_type is not declared: with cardinality many the real host then parses every body as JSON, and fails"
            " the batch on one that is not a single JSON document",
            extra={"function": function.name},
        )
    return EventHubTrigger(
        function=function,
        argument=binding["name"],
        hub=binding["eventHubName"],
        consumer_group=binding.get("consumerGroup") or "$Default",
        connection=binding["connection"],
        binary=data_type == "binary",
    )


def _timer(function: IndexedFunction, binding: Mapping[str, Any]) -> TimerTrigger:
    schedule = Schedule(binding["schedule"])
    return TimerTrigger(
        function=function,
        argument=binding["name"],
        schedule=schedule,
        run_on_startup=bool(binding.get("runOnStartup")),
        monitored=bool(binding.get("useMonitor", schedule.monitored)),
    )
