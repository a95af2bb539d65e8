"""Where a receiver starts: the selector it attaches with, resolved to a sequence number."""

import re
from typing import Final

from infra.local.eventhubs.errors import ARGUMENT, Refused
from infra.local.eventhubs.log import PartitionLog

_SELECTOR: Final = re.compile(
    r"amqp\.annotation\.x-opt-(?P<by>offset|sequence-number|enqueued-time)"
    r"\s*(?P<operator>>=?)\s*'?(?P<value>-?\d{1,18}|@latest)'?",
)


def starting_sequence(selector: str | None, log: PartitionLog) -> int:
    """Return the sequence number of the first event to deliver; without a selector, that of the oldest.

    Raises:
        Refused: the selector cannot be read, or names an event that the hub has never had.
    """
    if selector is None:
        return log.begin
    match = _SELECTOR.fullmatch(selector.strip())
    if match is None:
        raise Refused(ARGUMENT, f"The filter '{selector}' is not a valid amqp filter for EventHub entities.")
    if match["value"] == "@latest":
        return log.tail.sequence + 1
    value = int(match["value"])
    inclusive = match["operator"] == ">="
    match match["by"]:
        case "offset":
            return log.after_offset(value, inclusive=inclusive)
        case "sequence-number":
            return log.after_sequence(value, inclusive=inclusive)
        case _:
            return log.after_time(value, inclusive=inclusive)
