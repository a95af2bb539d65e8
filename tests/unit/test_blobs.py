"""What storage answers is told apart by what can be done about it."""

import pytest

from shared.blobs import _fault
from shared.errors import BlobChanged, BlobMissing, BlobRefused, Fault, StorageUnavailable


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "BlobNotFound", BlobMissing),
        (404, "ContainerNotFound", StorageUnavailable),
        (409, "BlobAlreadyExists", BlobChanged),
        (409, "ContainerBeingDeleted", StorageUnavailable),
        (412, "ConditionNotMet", BlobChanged),
        (412, "AppendPositionConditionNotMet", BlobChanged),
        (400, "InvalidInput", BlobRefused),
        (413, "RequestBodyTooLarge", BlobRefused),
        (401, "NoAuthenticationInformation", StorageUnavailable),
        (403, "AuthorizationFailure", StorageUnavailable),
        (408, "None", StorageUnavailable),
        (429, "None", StorageUnavailable),
        (500, "InternalError", StorageUnavailable),
        (503, "ServerBusy", StorageUnavailable),
        (None, "None", StorageUnavailable),
    ],
)
def test_only_what_no_retry_can_help_is_refused(status: int | None, code: str, expected: type[Fault]) -> None:
    """What is refused goes to dead letters: an outage taken for a refusal would empty the hub into them."""
    assert type(_fault("captures/logs/a", status=status, code=code, reason="why")) is expected
