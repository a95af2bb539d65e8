"""Every failure this app names.

Fault
|-- InvalidSettings        the app cannot start: names every variable that is wrong
|-- StorageUnavailable     storage cannot be reached, or asks to wait: a retry can help
|-- BlobMissing            nothing is stored at a path
|-- BlobChanged            a fence held: somebody else created, changed or appended first
|-- BlobRefused            storage will never take this content (400, 413)
|-- InvalidDocument        a stored document is not what its type says, or of a newer format
"""

from typing import ClassVar


class Fault(Exception):
    """Base of every error raised on purpose. ``code`` is stable; log it, never parse text."""

    code: ClassVar[str] = "fault"


class InvalidSettings(Fault):
    """Settings are missing or unreadable; ``problems`` holds one line for each."""

    code = "invalid_settings"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("the settings do not hold:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


class StorageUnavailable(Fault):
    """Storage cannot be reached, refuses us or asks to wait. Raise it: the same call may succeed later."""

    code = "storage_unavailable"

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class BlobMissing(Fault):
    """Nothing is stored at a path."""

    code = "blob_missing"

    def __init__(self, path: str) -> None:
        super().__init__(f"nothing is stored at {path}")
        self.path = path


class BlobChanged(Fault):
    """A conditional write was refused because somebody else wrote first: read again, and go on from there."""

    code = "blob_changed"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was written by somebody else meanwhile")
        self.path = path


class BlobRefused(Fault):
    """Storage refuses this content whatever the circumstances (400, 413)."""

    code = "blob_refused"

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class InvalidDocument(Fault):
    """A stored document cannot be read by this version of the app."""

    code = "invalid_document"

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
