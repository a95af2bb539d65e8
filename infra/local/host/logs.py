"""The host's log: one line an entry, on standard error."""

import logging
import sys
from typing import Final

# What every record has; anything else was put there by ``extra``.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# They tell every request and every renewal at INFO.
_TALKATIVE: Final = ("azure", "uvicorn", "asyncio")


class OneLine(logging.Formatter):
    """Time, level, logger, message and fields; the line breaks of a traceback are written out."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in fields.items())])

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).rstrip("\n").replace("\n", "\\n")


def configure() -> None:
    """Send every log to standard error; the libraries under the host report warnings only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
