"""Which checks whoever asks for a dataset may accept, although they fail, by their names."""

from collections.abc import Iterable
from typing import Final

from shared.errors import InvalidRecipe

ACCEPTABLE: Final = ("missing_actuals", "duplicates", "told_by_feature", "known_before", "overlap", "empty_part")
"""Of duplicates and overlap not all: two rows with one id, and a request or a group in training and beside it, never are."""

_NEVER: Final = {
    "schema": "whoever reads a dataset takes its columns to be what the manifest says",
    "spans_split": "it is told, and refuses nothing",
    "drift": "it is told, and refuses nothing",
}


def problem(name: str) -> str | None:
    """Return why a check of this name cannot be accepted; None where it can.

    >>> problem("overlap"), problem("drift")
    (None, 'drift cannot be accepted: it is told, and refuses nothing')
    """
    if name in ACCEPTABLE:
        return None
    if name in _NEVER:
        return f"{name} cannot be accepted: {_NEVER[name]}"
    return f"{name!r} is no check that can be accepted, as {', '.join(ACCEPTABLE)} are"


def refuse_unacceptable(names: Iterable[str]) -> None:
    """See that each of these checks can be accepted.

    Raises:
        InvalidRecipe: one cannot.
    """
    for name in names:
        if (reason := problem(name)) is not None:
            raise InvalidRecipe(f"accept: {reason}")
