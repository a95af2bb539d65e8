"""What the answers of one period cost, of the champion and of those asked beside it: as it is stored."""

from collections.abc import Collection

import msgspec

from shared.documents import Document
from shared.hours import Hour
from shared.retrain_config import Loss
from shared.retraining.losses import Mean


class Compared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version beside the champion, on the same rows.

    Attributes:
        version: which.
        asked: how many rows of the period it was asked.
        rows: of those, how many have an actual.
        loss: its mean loss over these; None without any.
        gap: by how much the champion's mean loss over the same rows is above its: > 0 is for it.
        gap_error: standard error of ``gap``; None where unknown.
        disagreement: the mean loss of its answers were the champion's true, over all rows it was asked; None for losses
            that are not of the answer alone.
        left_out: why it could not be asked; None where it was.
    """

    version: str
    asked: int = 0
    rows: int = 0
    loss: float | None = None
    gap: float | None = None
    gap_error: float | None = None
    disagreement: float | None = None
    left_out: str | None = None

    @property
    def mean_gap(self) -> Mean | None:
        """Return by how much the champion lost more; None where that was not measured."""
        return None if self.gap is None else Mean(self.gap, self.gap_error, self.rows)


class PeriodLosses(Document, frozen=True, kw_only=True):
    """One period of a model. The same inputs give the same bytes.

    Attributes:
        start: key of the period's first hour, by which it is known.
        end: key of the first hour after it.
        champion: the version that answered for most of it.
        loss: what a wrong answer costs.
        most_rows: how many rows the others were asked at most.
        predictions: the champion's, in the period.
        rows: of those, how many have an actual.
        mean: the champion's mean loss over these; None without any.
        standard_error: of ``mean``; None where unknown.
        compared: the others, by version.
        inputs: the SHA-256 of every manifest that was read, of sealed hours and of joined ones, by path.
        reason: why the champion's answers cannot be judged by the loss; None where they can.
        is_settled: whether its actuals have had the time they take. Where they have not, nothing is said of losses: what comes
            early is not like the rest. It is known who answers otherwise than the champion.
    """

    model: str
    start: str
    end: str
    champion: str
    loss: Loss
    most_rows: int
    predictions: int
    rows: int
    mean: float | None
    standard_error: float | None
    compared: tuple[Compared, ...]
    inputs: dict[str, str]
    reason: str | None = None
    is_settled: bool = True

    @property
    def hours(self) -> int:
        """Return how long the period is."""
        return Hour.parse(self.end).since_monday - Hour.parse(self.start).since_monday

    @property
    def champion_mean(self) -> Mean | None:
        """Return the champion's mean loss; None without rows."""
        return None if self.mean is None else Mean(self.mean, self.standard_error, self.rows)

    def beside(self, version: str) -> Compared | None:
        """Return what is known of a version beside the champion; None where it was not to be asked."""
        return next((one for one in self.compared if one.version == version), None)

    def gap_of(self, version: str) -> Mean | None:
        """Return by how much the champion lost more than ``version``; None where it was not measured."""
        one = self.beside(version)
        return None if one is None else one.mean_gap

    def is_made_of(self, inputs: dict[str, str], *, loss: Loss, most_rows: int, versions: Collection[str]) -> bool:
        """Whether it would be the same if it were made again of these inputs, with these versions asked at least."""
        known = {one.version for one in self.compared}
        return (self.inputs, self.loss, self.most_rows) == (inputs, loss, most_rows) and known.issuperset(versions)
