"""What runs the app's functions: one protocol, two engines.

``worker`` is the library of the real Python worker (Python 3.13 and later), ``public`` the public API of
azure-functions. Both decode trigger data with azure-functions' own converters, so a function sees the same objects.
"""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from azure.functions.meta import Datum

from infra.local.host.errors import CannotStart
from infra.local.host.retries import NO_RETRY, RetryPolicy
from shared.errors import InvalidSettings

MODULE = "function_app"
OLDEST_WORKER_PYTHON = (3, 13)


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """One function as the app declares it; ``bindings`` have the keys of a function.json."""

    id: str
    name: str
    bindings: tuple[Mapping[str, Any], ...]
    retry: RetryPolicy = NO_RETRY


@dataclass(frozen=True, slots=True)
class TriggerData:
    """What the host hands to a function: the trigger's argument, and facts about it for the converter."""

    argument: str
    datum: Datum
    metadata: Mapping[str, Datum] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which invocation this is; ``retry`` counts from 0 up to ``limit``."""

    invocation_id: str
    retry: int = 0
    limit: int = 0


class Engine(Protocol):
    """Indexes one app and runs its functions; state is global to the process, so there is one engine in it."""

    name: str

    async def index(self, folder: Path) -> Sequence[IndexedFunction]:
        """Import the app in ``folder`` and list its functions.

        Raises:
            CannotStart: it cannot be imported or indexed.
        """

    async def invoke(self, function: IndexedFunction, data: TriggerData, attempt: Attempt) -> Datum | None:
        """Run a function and return what it returned, encoded for its ``$return`` binding (None without one).

        Raises:
            InvocationFailed: it raised, or returned what cannot be encoded.
        """

    def close(self) -> None:
        """Let go of threads; running functions are not waited for."""


def choose(name: str) -> Engine:
    """Return the engine called ``worker``, ``public`` or, whichever fits this Python, ``auto``.

    Raises:
        CannotStart: the worker's library was asked for and is not there, or is not the one this host knows.
    """
    if name == "auto":
        name = "worker" if sys.version_info >= OLDEST_WORKER_PYTHON and _installed() else "public"
    if name == "worker":
        from infra.local.host.worker import WorkerEngine

        return WorkerEngine()
    from infra.local.host.public import PublicEngine

    return PublicEngine()


def import_app(folder: Path) -> ModuleType:
    """Import ``function_app`` from ``folder``.

    Raises:
        CannotStart: there is none, or the import raised; of invalid settings only their message is kept.
    """
    if not (folder / f"{MODULE}.py").is_file():
        raise CannotStart(f"there is no {MODULE}.py in {folder}")
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(MODULE)
    except InvalidSettings as error:
        raise CannotStart(str(error)) from None
    except Exception as error:  # whatever an app raises while it is imported stops the start
        raise CannotStart(f"{MODULE}.py cannot be imported: {type(error).__name__}: {error}") from error


def _installed() -> bool:
    return importlib.util.find_spec("azure_functions_runtime") is not None
