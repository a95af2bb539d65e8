"""What the environment says; no other module of the app reads it."""

import base64
import os
from collections.abc import Iterable
from functools import cache

from shared.clock import Clock
from shared.settings import Settings

# Before anything imports numpy. The threads of its linear algebra wait for one another in a loop: matrices as small as ours
# gain nothing from them, and beside other work a look takes ten times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@cache
def settings() -> Settings:
    """Return the settings of this process.

    Raises:
        InvalidSettings: naming every variable that is missing or unreadable.
    """
    return Settings.from_env(os.environ)


def check_when_hosted() -> None:
    """Stop the start of a Functions host whose settings do not hold; without a host around us, do nothing.

    Raises:
        InvalidSettings: naming every variable that is missing or unreadable.
    """
    if os.environ.get("FUNCTIONS_WORKER_RUNTIME"):
        settings()


def clock() -> Clock:
    """Return the calendar."""
    return settings().clock


def privacy_key() -> bytes:
    """Return what features are hashed with, empty where no key is set."""
    return base64.b64decode(settings().privacy_key)


def variables(names: Iterable[str]) -> dict[str, str]:
    """Return those variables of the environment that are set: what is passed on to somebody else's program."""
    return {name: os.environ[name] for name in names if name in os.environ}
