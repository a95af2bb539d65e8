"""Bindings of indexed functions with their settings put in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from infra.local.host.engine import IndexedFunction
from infra.local.host.errors import CannotStart

STORAGE: Final = "AzureWebJobsStorage"
_SETTING: Final = re.compile(r"%([^%\s]+)%")
_NEEDS_STORAGE: Final = ("eventHubTrigger", "timerTrigger")


def resolve(functions: Sequence[IndexedFunction], settings: Mapping[str, str]) -> tuple[IndexedFunction, ...]:
    """Replace every ``%NAME%`` of Event Hubs and timer triggers, and check that their connections are set.

    Raises:
        CannotStart: naming every setting that is missing.
    """
    missing = {name for function in functions for name in _missing(function, settings)}
    if missing:
        raise CannotStart("settings are missing: " + ", ".join(sorted(missing)))
    return tuple(
        replace(function, bindings=tuple(_resolved(binding, settings) for binding in function.bindings))
        for function in functions
    )


def namespace_setting(connection: str) -> str:
    """Return the setting that holds the namespace when ``connection`` uses an identity instead of a key."""
    return f"{connection}__fullyQualifiedNamespace"


def _missing(function: IndexedFunction, settings: Mapping[str, str]) -> set[str]:
    needed: set[str] = set()
    for binding in function.bindings:
        if binding["type"] in _NEEDS_STORAGE:
            needed.add(STORAGE)
            needed.update(
                name for value in binding.values() if isinstance(value, str) for name in _SETTING.findall(value)
            )
        if (connection := binding.get("connection")) and namespace_setting(connection) not in settings:
            needed.add(connection)
    return needed - settings.keys()


def _resolved(binding: Mapping[str, Any], settings: Mapping[str, str]) -> Mapping[str, Any]:
    if binding["type"] not in _NEEDS_STORAGE:
        return binding
    return {
        key: _SETTING.sub(lambda match: settings[match[1]], value) if isinstance(value, str) else value
        for key, value in binding.items()
    }
