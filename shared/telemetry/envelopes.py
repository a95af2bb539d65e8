"""Items to Application Insights envelopes, through the library's TelemetryClient.

Only the sender's thread comes here: the client's context is shared state and would mix up the operations of
concurrent requests anywhere else, and an envelope takes about 20 µs, which the request path does not have.
"""

import platform
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from applicationinsights import TelemetryClient
from applicationinsights.channel import contracts

from shared.telemetry.items import Dependency, Exceptional, Item, Metric, Request, Subject

_TEXT = 1024


class Envelopes:
    """Builds envelopes that say they come from ``role``."""

    def __init__(self, instrumentation_key: str, *, role: str) -> None:
        self._channel = _Channel()
        with warnings.catch_warnings():
            # the library asks for the locale in a way that goes away with Python 3.15
            warnings.simplefilter("ignore", DeprecationWarning)
            self._client = TelemetryClient(instrumentation_key, self._channel)
        self._client.context.cloud.role = role
        self._client.context.cloud.role_instance = platform.node()

    def encode(self, item: Item) -> bytes:
        """Return the envelope of ``item`` as JSON.

        The client's ``track`` is used and not its ``track_request`` and so on, which cut durations to whole
        milliseconds and write the names of files and functions with the exception's message.

        Raises:
            ValueError: some part of the item is no text that JSON can hold.
            TypeError: some part of the item is of another type than it says.
        """
        data = _data(item)
        data.properties = _properties(item.subject)
        self._channel.at = item.started if isinstance(item, Request | Dependency) else item.at
        self._client.context.operation = _operation(item.subject)
        self._client.track(data, self._client.context)
        return msgspec.json.encode(self._channel.take())


class _Channel:
    """Stands where the library has its queue and its sender, and keeps one envelope.

    The library's own channel stamps the moment of building, with a call that Python 3.12 deprecates; here an item's
    own time counts.
    """

    def __init__(self) -> None:
        self.at = datetime.fromtimestamp(0, UTC)
        self._written: dict[str, Any] = {}

    def write(self, data: Any, context: Any) -> None:  # noqa: ANN401 - the library's types
        envelope = contracts.Envelope()
        envelope.name = data.ENVELOPE_TYPE_NAME
        envelope.time = _timestamp(self.at)
        envelope.ikey = context.instrumentation_key
        envelope.tags = {**context.cloud.write(), **context.operation.write()}
        envelope.data = contracts.Data()
        envelope.data.base_type = data.DATA_TYPE_NAME
        envelope.data.base_data = data
        self._written = envelope.write()

    def take(self) -> dict[str, Any]:
        return self._written


def _data(item: Item) -> Any:  # noqa: ANN401 - one of the library's contracts
    match item:
        case Request():
            return _request(item)
        case Dependency():
            return _dependency(item)
        case Exceptional():
            return _exception(item)
        case Metric():
            return _metric(item)


def _operation(subject: Subject) -> contracts.Operation:
    operation = contracts.Operation()
    if subject.operation_id is not None:
        # an absent tag is right, a tag that is null is refused
        operation.id = subject.operation_id[:_TEXT]
    return operation


def _request(item: Request) -> contracts.RequestData:
    data = contracts.RequestData()
    data.id = item.id
    data.name = item.name[:_TEXT]
    data.duration = duration(item.duration_ms)
    data.response_code = str(item.status)
    data.success = item.success
    return data


def _dependency(item: Dependency) -> contracts.RemoteDependencyData:
    data = contracts.RemoteDependencyData()
    data.id = item.id
    data.name = item.name[:_TEXT]
    data.type = item.kind[:_TEXT]
    data.target = item.target[:_TEXT]
    data.duration = duration(item.duration_ms)
    data.result_code = item.result[:_TEXT]
    data.success = item.success
    return data


def _exception(item: Exceptional) -> contracts.ExceptionData:
    details = contracts.ExceptionDetails()
    details.type_name = item.type_name[:_TEXT]
    details.message = item.code or item.type_name[:_TEXT]
    details.has_full_stack = True
    details.parsed_stack = [_frame(level, item.frames) for level in range(len(item.frames))]
    data = contracts.ExceptionData()
    data.severity_level = contracts.SeverityLevel.error
    data.exceptions = [details]
    return data


def _frame(level: int, frames: Sequence[Any]) -> contracts.StackFrame:
    frame = contracts.StackFrame()
    frame.level = level
    frame.file_name = frames[level].file[:_TEXT]
    frame.line = frames[level].line
    frame.method = frames[level].function[:_TEXT]
    return frame


def _metric(item: Metric) -> contracts.MetricData:
    point = contracts.DataPoint()
    point.name = item.name[:_TEXT]
    point.kind = contracts.DataPointType.aggregation
    point.value = item.total
    point.count = item.count
    point.min = item.least
    point.max = item.most
    data = contracts.MetricData()
    data.metrics = [point]
    return data


def _properties(subject: Subject) -> dict[str, str]:
    properties = {name[:150]: str(value)[:_TEXT] for name, value in (subject.extra or {}).items()}
    if subject.model is not None:
        properties["model"] = subject.model[:_TEXT]
    if subject.version is not None:
        properties["version"] = subject.version[:_TEXT]
    return properties


def duration(milliseconds: float) -> str:
    """Return a duration as Application Insights writes it: ``d.hh:mm:ss.ffffff``.

    >>> duration(93_784_005.25)
    '1.02:03:04.005250'
    """
    seconds, microseconds = divmod(max(round(milliseconds * 1000), 0), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}"


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
