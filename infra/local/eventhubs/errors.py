"""What the emulator refuses, by name.

Fault
|-- Malformed    bytes that are not AMQP: the connection is closed
|-- Refused      a request that is not granted: the link is detached, or the answer carries the status
|-- Corrupt      data on disk that this emulator did not write: it does not start
"""

from typing import ClassVar, Self

from shared.errors import Fault

UNAUTHORIZED = "amqp:unauthorized-access"
NOT_FOUND = "amqp:not-found"
NOT_ALLOWED = "amqp:not-allowed"
STOLEN = "amqp:link:stolen"
TOO_LARGE = "amqp:link:message-size-exceeded"
DECODE_ERROR = "amqp:decode-error"
FORCED = "amqp:connection:forced"
FRAMING = "amqp:connection:framing-error"
IDLE = "amqp:resource-limit-exceeded"
ARGUMENT = "com.microsoft:argument-error"
OUT_OF_RANGE = "com.microsoft:argument-out-of-range"

_STATUS = {UNAUTHORIZED: 401, NOT_FOUND: 404}


class Malformed(Fault):
    """Bytes that are not what AMQP 1.0 says they should be."""

    code = "malformed"


class Corrupt(Fault):
    """Files in the data folder that contradict each other."""

    code = "corrupt"


class Refused(Fault):
    """A request that is not granted; ``condition`` is an AMQP error condition, ``status_code`` its number in an answer."""

    code: ClassVar[str] = "refused"

    def __init__(self, condition: str, description: str) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition = condition
        self.description = description

    @property
    def status_code(self) -> int:
        return _STATUS.get(self.condition, 400)

    @classmethod
    def unauthorized(cls, description: str) -> Self:
        return cls(UNAUTHORIZED, description)

    @classmethod
    def not_found(cls, description: str) -> Self:
        return cls(NOT_FOUND, description)
