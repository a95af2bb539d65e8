"""The engine that needs only azure-functions' public API: every Python."""

import asyncio
import functools
import inspect
import json
import os
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any, Final, get_type_hints

import azure.functions as func
from azure.functions.meta import Datum

from infra.local.host.engine import Attempt, IndexedFunction, TriggerData, import_app
from infra.local.host.errors import CannotStart, InvocationFailed
from infra.local.host.retries import NO_RETRY, RetryPolicy

_CONVERTERS: Final[Any] = func.get_binding_registry()


@dataclass(frozen=True, slots=True)
class _Retry:
    retry_count: int
    max_retry_count: int
    exception: Any = None


@dataclass(frozen=True, slots=True)
class _Trace:
    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Context(func.Context):
    invocation_id: str
    function_name: str
    function_directory: str
    retry_context: Any
    thread_local_storage: Any = field(default_factory=threading.local)
    trace_context: Any = field(default_factory=_Trace)


@dataclass(frozen=True, slots=True)
class _Loaded:
    call: Callable[..., Any]
    trigger: str
    returns: str | None
    wants_context: bool

    @property
    def asynchronous(self) -> bool:
        return inspect.iscoroutinefunction(self.call)


class PublicEngine:
    """Runs async functions on the host's event loop and others in a pool of threads."""

    name = "public"

    def __init__(self) -> None:
        threads = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._pool = ThreadPoolExecutor(max_workers=int(threads) if threads else None)
        self._loaded: dict[str, _Loaded] = {}
        self._folder = Path()

    async def index(self, folder: Path) -> Sequence[IndexedFunction]:
        self._folder = folder
        return [self._load(declared) for declared in _app(import_app(folder)).get_functions()]

    async def invoke(self, function: IndexedFunction, data: TriggerData, attempt: Attempt) -> Datum | None:
        loaded = self._loaded[function.id]
        try:
            arguments = {
                data.argument: _CONVERTERS.get(loaded.trigger).decode(data.datum, trigger_metadata=data.metadata)
            }
            if loaded.wants_context:
                retry = _Retry(attempt.retry, attempt.limit)
                arguments["context"] = _Context(attempt.invocation_id, function.name, str(self._folder), retry)
            returned = await self._call(loaded, arguments)
            return _encoded(returned, loaded.returns)
        except Exception as error:  # whatever a function raises is its failure, not the host's
            raise InvocationFailed(function.name, detail=traceback.format_exc()) from error

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _call(self, loaded: _Loaded, arguments: Mapping[str, Any]) -> object:
        if loaded.asynchronous:
            return await loaded.call(**arguments)
        call = functools.partial(loaded.call, **arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def _load(self, declared: Any) -> IndexedFunction:  # noqa: ANN401 - the class is not part of the public API
        name = declared.get_function_name()
        bindings = tuple(json.loads(raw) for raw in declared.get_raw_bindings())
        call = declared.get_user_function()
        bound = {binding["name"] for binding in bindings}
        trigger = declared.get_trigger()
        _check_annotation(name, call, argument=trigger.name, binding=trigger.type)
        self._loaded[name] = _Loaded(
            call=call,
            trigger=trigger.type,
            returns=next((binding["type"] for binding in bindings if binding["name"] == "$return"), None),
            wants_context="context" in inspect.signature(call).parameters and "context" not in bound,
        )
        return IndexedFunction(name, name, bindings, _retry(name, declared.get_settings_dict("retry_policy")))


def _app(module: ModuleType) -> Any:  # noqa: ANN401 - see above
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        raise CannotStart(f"{module.__name__}.py has {len(apps)} function apps at its top level, not one")
    return apps[0]


def _check_annotation(name: str, call: Callable[..., Any], *, argument: str, binding: str) -> None:
    """Refuse what the real worker refuses to load."""
    annotation = get_type_hints(call).get(argument)
    if isinstance(annotation, GenericAlias):
        raise CannotStart(f"{name}: the worker does not understand {annotation}: write typing.List[...] instead")
    if annotation is not None and not _CONVERTERS.get(binding).check_input_type_annotation(annotation):
        raise CannotStart(f"{name}: {argument} cannot be {annotation} with {binding}")


def _retry(name: str, settings: Mapping[str, str] | None) -> RetryPolicy:
    if not settings:
        return NO_RETRY
    try:
        return RetryPolicy.parse(settings)
    except (KeyError, ValueError) as error:
        raise CannotStart(f"{name}: its retry policy cannot be read: {error}") from error


def _encoded(returned: object, binding: str | None) -> Datum | None:
    if binding is not None:
        datum: Datum = _CONVERTERS.get(binding).encode(returned, expected_type=None)
        return datum
    if returned is not None:
        raise TypeError("a function without a $return binding returned a value")
    return None
