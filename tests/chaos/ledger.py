"""What the app acknowledged, written down on the side, line by line, before anything else is asked of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

KEPT: Final = frozenset({"acked", "spooled"})
"""What ``capture`` says of rows that the app has promised to keep."""


class Answer(msgspec.Struct, frozen=True):
    """One answered request: the rows' own keys are ``<request>.<index>``."""

    request: str
    capture: str
    ids: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """The answers so far, in the file ``path``; one that exists is gone on with.

    ``broken`` counts requests that were sent again because they broke off or were answered with an error: whether
    their rows were kept under other ids nobody was told.
    """

    path: Path
    kept: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    broken: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.path.touch()
        for answer in self.answers():
            self._count(answer)

    @property
    def acknowledged(self) -> int:
        """Return how many rows the app has promised to keep."""
        return sum(rows for capture, rows in self.kept.items() if capture in KEPT)

    def note(self, request: str, capture: str, ids: Sequence[str]) -> None:
        """Write an answer down."""
        answer = Answer(request, capture, tuple(ids))
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(answer) + b"\n")
        self._count(answer)

    def answers(self) -> Iterator[Answer]:
        """Yield every answer; a last line that broke off with the process that wrote it is none."""
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield _ANSWERS.decode(line)

    def keys(self) -> dict[str, str]:
        """Return the caller's own key of every row that the app has promised to keep, by the row's id."""
        return {
            one: f"{answer.request}.{index}"
            for answer in self.answers()
            if answer.capture in KEPT
            for index, one in enumerate(answer.ids)
        }

    def _count(self, answer: Answer) -> None:
        self.requests += 1
        self.kept[answer.capture] += len(answer.ids)


_ANSWERS = msgspec.json.Decoder(Answer)
