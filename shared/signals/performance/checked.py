"""What a check of an assumption found."""

from dataclasses import dataclass

from shared.signals.judgement import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Whether actuals are as they were when estimates learned from them.

    Attributes:
        verdict: ok; breach, where they are not; unknown, where rows are too few to have noticed.
        p_value: what chance alone would give as much of the largest difference, with all that were looked at counted in; None
            where nothing was looked at.
        reason: one phrase for a person.
        rows: how many were looked at.
    """

    verdict: Verdict
    p_value: float | None
    reason: str
    rows: int

    @property
    def has_failed(self) -> bool:
        """Say whether estimates are unknown from here on, until the next check that is ok, or another calibration."""
        return self.verdict is Verdict.BREACH
