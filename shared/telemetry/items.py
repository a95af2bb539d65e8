"""What waits to be sent: small values, cheap to make on the request path.

The envelopes Application Insights wants are built from them on the sender's thread. Nothing here holds a traceback,
a frame or a request: an item that waits for hours must not keep anything else alive.
"""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType

import msgspec

from shared.errors import Fault

_FRAMES = 50


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What an item is about; ``extra`` are further custom properties, which are not copied."""

    model: str | None = None
    version: str | None = None
    operation_id: str | None = None
    extra: Mapping[str, str] | None = None


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request that was answered."""

    id: str
    name: str
    started: datetime
    duration_ms: float
    status: int
    success: bool
    subject: Subject


class Dependency(msgspec.Struct, frozen=True, gc=False):
    """One call to something outside; ``kind`` is its technology, ``target`` the host or the name it is known by."""

    id: str
    name: str
    kind: str
    target: str
    started: datetime
    duration_ms: float
    result: str
    success: bool
    subject: Subject


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One line of a stack, without the variables it had."""

    file: str
    line: int
    function: str


class Exceptional(msgspec.Struct, frozen=True, gc=False):
    """One exception; ``frames`` begin where it was raised."""

    type_name: str
    code: str
    at: datetime
    frames: tuple[Frame, ...]
    subject: Subject


class Metric(msgspec.Struct, frozen=True, gc=False):
    """The values of one metric over a short time: their number, sum and extremes."""

    name: str
    at: datetime
    count: int
    total: float
    least: float
    most: float
    subject: Subject


Item = Request | Dependency | Exceptional | Metric


def exceptional(error: BaseException, *, at: datetime, subject: Subject) -> Exceptional:
    """Describe ``error`` by its type, its code if it is a ``Fault``, and the last 50 frames of its stack.

    Its message is left out on purpose: messages of libraries, and some of ours, quote the value that was wrong, and
    feature values never go into telemetry.
    """
    kind = type(error)
    return Exceptional(
        type_name=f"{kind.__module__}.{kind.__qualname__}",
        code=error.code if isinstance(error, Fault) else "",
        at=at,
        frames=_frames(error.__traceback__),
        subject=subject,
    )


def _frames(trace: TracebackType | None) -> tuple[Frame, ...]:
    """Walk the stack by hand: the traceback module would read source files, on the request path."""
    nearest: deque[Frame] = deque(maxlen=_FRAMES)
    while trace is not None:
        code = trace.tb_frame.f_code
        nearest.appendleft(Frame(code.co_filename, trace.tb_lineno or 0, code.co_qualname))
        trace = trace.tb_next
    # appendleft drops on the right, which are the frames farthest from where it was raised
    return tuple(nearest)
