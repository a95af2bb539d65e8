"""Every failure this app names.

Fault
|-- InvalidSettings        the app cannot start: names every variable that is wrong
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
