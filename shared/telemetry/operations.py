"""One request, or one call to something outside, reported however it ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import Fault, UnknownModel
from shared.ids import NONE, UNKNOWN
from shared.telemetry import Telemetry


@dataclass(slots=True)
class Operation:
    """The request under way; ``version`` is filled in once it is known."""

    version: str = NONE


@contextmanager
def reported(telemetry: Telemetry, clock: Clock, name: str, model: str, *, operation_id: str) -> Iterator[Operation]:
    """Report the request that is answered inside, with the status its answer has, and the exception if it was our fault.

    A model that is not registered is reported as ``_unknown``: callers do not choose what dimensions there are.
    """
    operation = Operation()
    started_at = clock.now()
    started = time.perf_counter()
    status = 200
    try:
        yield operation
    except BaseException as error:
        # Whatever it is goes on to whoever called: here it is only counted.
        status = error.status if isinstance(error, Fault) else 500
        model = UNKNOWN if isinstance(error, UnknownModel) else model
        if status >= 500:
            telemetry.exception(error, model=model, version=operation.version, operation_id=operation_id)
        raise
    finally:
        telemetry.request(
            name=f"{name} {model}:{operation.version}",
            model=model,
            version=operation.version,
            operation_id=operation_id,
            started=started_at,
            duration_ms=(time.perf_counter() - started) * 1000.0,
            status=status,
            success=status < 400,
        )


@contextmanager
def calling(
    telemetry: Telemetry,
    clock: Clock,
    name: str,
    *,
    kind: str,
    target: str,
    model: str | None = None,
    version: str | None = None,
    operation_id: str | None = None,
) -> Iterator[None]:
    """Report the call to something outside that is made inside, with how it ended: ``ok``, or the fault's code."""
    started_at = clock.now()
    started = time.perf_counter()
    result = "ok"
    try:
        yield
    except BaseException as error:
        result = error.code if isinstance(error, Fault) else type(error).__name__
        raise
    finally:
        telemetry.dependency(
            name=name,
            kind=kind,
            target=target,
            started=started_at,
            duration_ms=(time.perf_counter() - started) * 1000.0,
            result=result,
            success=result == "ok",
            operation_id=operation_id,
            model=model,
            version=version,
        )
