"""The engine that is the real Python worker's library (Python 3.13 and later).

It uses the library's seam for hosts without protobuf, ``native_invocation``, which is internal: hence the check of
the version.
"""

import importlib.metadata
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from azure.functions.meta import Datum

from infra.local.host import protos
from infra.local.host.engine import Attempt, IndexedFunction, TriggerData, import_app
from infra.local.host.errors import CannotStart, InvocationFailed
from infra.local.host.retries import NO_RETRY, RetryPolicy

PACKAGE: Final = "azure-functions-runtime"
KNOWN: Final = "1.3."
_REPEATED: Final = "Native invocation failed"


class WorkerEngine:
    """Loads the app into the worker's library, and lets the library decode, run and encode."""

    name = "worker"

    def __init__(self) -> None:
        _check_version()
        import azure_functions_runtime
        from azure_functions_runtime.logging import logger as native_logger
        from azure_functions_runtime.native_invocation import invocation_request_native

        # The library logs every failure's traceback, and so does the host.
        native_logger.addFilter(lambda record: record.msg != _REPEATED)
        self._runtime = azure_functions_runtime
        self._native = invocation_request_native

    async def index(self, folder: Path) -> Sequence[IndexedFunction]:
        # Imported here first, because the library turns whatever the import raises into text.
        import_app(folder)
        self._runtime.start_threadpool_executor()
        started = await self._runtime.worker_init_request(
            SimpleNamespace(
                request=SimpleNamespace(
                    worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=str(folder))
                ),
                properties={"host": "127.0.0.1", "protos": protos},
            )
        )
        if started.result.status != protos.StatusResult.Success:
            raise CannotStart(started.result.exception.message)
        indexed = await self._runtime.functions_metadata_request(None)
        return [_indexed(function) for function in indexed.function_metadata_results or ()]

    async def invoke(self, function: IndexedFunction, data: TriggerData, attempt: Attempt) -> Datum | None:
        ok, returned, _, error, trace = await self._native(
            attempt.invocation_id,
            function.id,
            [(data.argument, data.datum)],
            data.metadata,
            retry_count=attempt.retry,
            max_retry_count=attempt.limit,
        )
        if not ok:
            raise InvocationFailed(function.name, detail=trace or str(error))
        datum: Datum | None = returned
        return datum

    def close(self) -> None:
        executor = self._runtime.get_threadpool_executor()
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


def _check_version() -> None:
    try:
        version = importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise CannotStart(f"{PACKAGE} is not installed (it needs Python 3.13): use --engine public") from None
    if not version.startswith(KNOWN):
        raise CannotStart(f"{PACKAGE} is {version}, but this host knows the inside of {KNOWN}* only")


def _indexed(metadata: Any) -> IndexedFunction:  # noqa: ANN401 - a message of the stand-in
    bindings = tuple(json.loads(raw) for raw in metadata.raw_bindings)
    return IndexedFunction(metadata.function_id, metadata.name, bindings, _retry(metadata.retry_options))


def _retry(options: Any) -> RetryPolicy:  # noqa: ANN401 - see above
    if options is None:
        return NO_RETRY
    fixed: timedelta | None = getattr(options, "delay_interval", None)
    shortest: timedelta = options.minimum_interval if fixed is None else fixed
    longest: timedelta = options.maximum_interval if fixed is None else fixed
    return RetryPolicy(
        limit=options.max_retry_count, shortest_s=shortest.total_seconds(), longest_s=longest.total_seconds()
    )
