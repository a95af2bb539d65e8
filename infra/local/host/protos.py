"""A stand-in for the worker's protobuf messages.

The worker's library builds its answers from a module ``protos`` that Azure's proxy hands to it. Nothing here crosses a
wire, so a message only has to keep its fields.
"""

from types import SimpleNamespace


class WorkerInitResponse(SimpleNamespace):
    """Answers the start: ``result``."""


class FunctionMetadataResponse(SimpleNamespace):
    """Answers the indexing: ``function_metadata_results``."""


class RpcFunctionMetadata(SimpleNamespace):
    """One function: ``name``, ``function_id``, ``raw_bindings``, ``retry_options``."""


class RpcRetryOptions(SimpleNamespace):
    """A retry policy, its intervals as timedeltas."""


class RpcException(SimpleNamespace):
    """A failure: ``message``, ``stack_trace``."""


class WorkerMetadata(SimpleNamespace):
    """Facts about the worker."""


class StatusResult(SimpleNamespace):
    """Success or failure of a request."""

    Success = 0
    Failure = 1


class BindingInfo(SimpleNamespace):
    """A binding; directions and data types have the numbers of the azure-functions library."""

    undefined = 0
    out = 1
    inout = 2
