"""Where sequence numbers count: a partition in one life of its hub."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One partition in one incarnation of the hub."""

    incarnation: str
    partition: str

    @property
    def log(self) -> str:
        """Return the name of the first roll of each of its logs."""
        return f"{self.incarnation}-p{self.partition}-r0.jsonl"

    def is_of(self, path: str) -> bool:
        """Whether a blob is a roll of one of its logs.

        >>> Place("20260301T090000000", "1").is_of("captures/dead/20260301T090000000-p10-r0.jsonl")
        False
        """
        return path.rsplit("/", 1)[1].startswith(f"{self.incarnation}-p{self.partition}-r")
