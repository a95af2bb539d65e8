"""Durations as host.json and retry policies write them."""

import re
from datetime import timedelta
from typing import Final

_TEXT: Final = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})")


def parse_duration(text: str) -> timedelta:
    """Read ``[d.]hh:mm:ss``.

    Raises:
        ValueError: the text is something else.

    >>> parse_duration("00:10:00").total_seconds()
    600.0
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"a duration is [d.]hh:mm:ss, not {text!r}")
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
