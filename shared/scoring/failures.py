"""The record of a request that was refused, or failed: its cause, and nothing that the caller sent."""

from datetime import datetime
from typing import Final

from shared.errors import Fault, InvalidRows
from shared.ids import UNKNOWN, uuid7
from shared.registry.manifest import Manifest
from shared.scoring.prediction import Failure

_LONGEST_ASKED: Final = 64


def failure(
    error: Exception, *, model: str, is_known: bool, manifest: Manifest | None, request_id: str, at: datetime
) -> Failure:
    """Return the record of a request for ``model`` that ended with ``error``.

    ``manifest`` is that of the version which was to answer, where one was found; ``is_known`` says whether any version of
    the model is registered. Where none is, what was asked for is all there is to tell one such failure from another.
    """
    return Failure(
        id=uuid7(at),
        model=model if is_known else UNKNOWN,
        version=None if manifest is None else manifest.version,
        request_id=request_id,
        at=at.isoformat(timespec="microseconds"),
        status=error.status if isinstance(error, Fault) else 500,
        code=error.code if isinstance(error, Fault) else "unexpected",
        feature=_feature(error, manifest),
        # A path may hold what no JSON can.
        asked=None if is_known else model[:_LONGEST_ASKED].encode(errors="replace").decode(),
        rows=error.rows if isinstance(error, InvalidRows) else None,
    )


def _feature(error: Exception, manifest: Manifest | None) -> str | None:
    """Return the first feature that did not fit, if the schema has one of that name."""
    if manifest is None or not isinstance(error, InvalidRows):
        return None
    misfit = error.misfits[0].feature
    return misfit if any(feature.name == misfit for feature in manifest.schema.features) else None
