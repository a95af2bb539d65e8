"""What goes wrong in the host itself.

Fault
|-- CannotStart         the app, host.json or a setting does not hold: the message says all of it
|-- InvocationFailed    a function raised, or ran out of time
"""

from shared.errors import Fault


class CannotStart(Fault):
    """The host must not serve this app; the message is all that the user needs to see."""

    code = "cannot_start"


class InvocationFailed(Fault):
    """A function did not return; ``detail`` is its traceback, for the log only."""

    code = "invocation_failed"

    def __init__(self, function: str, *, detail: str) -> None:
        super().__init__(f"{function} failed")
        self.function = function
        self.detail = detail
