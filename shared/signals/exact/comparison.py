"""What comparing rows answers: every metric of a feature, and the p-value of each that has one."""

import msgspec


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one side holds of a feature: ``rows``, of them ``missing`` (null, NaN) and ``not_finite`` (infinities)."""

    rows: int
    missing: int
    not_finite: int = 0

    @property
    def values(self) -> int:
        """Return how many rows have a value that can be compared."""
        return self.rows - self.missing - self.not_finite


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One feature of two sides, compared.

    Attributes:
        feature: its name.
        kind: ``number`` or ``category``; None if the sides do not agree on it, or it is neither.
        baseline: what the baseline holds of it; None if nothing.
        current: what the other side holds of it, likewise.
        metrics: by name, as ``drift`` defines them; without those that are undefined, or larger than the largest float.
        p_values: by the name of the metric: what chance alone would give as much of it.
        unknown: why there are no metrics of the values, for a person; None where there are.
    """

    feature: str
    kind: str | None = None
    baseline: Side | None = None
    current: Side | None = None
    metrics: dict[str, float] = {}
    p_values: dict[str, float] = {}
    unknown: str | None = None


class JointComparison(msgspec.Struct, frozen=True, kw_only=True):
    """All features of two sides, compared in how they go together.

    Attributes:
        metric: ``mmd_gaussian`` or ``correlation_change``, as ``joint`` defines them.
        features: whose: all, or the two whose correlation has moved most surely.
        value: the number, None where there is none: features that never vary have no correlation.
        p_value: what chance alone would give as much of it, likewise.
    """

    metric: str
    features: str
    value: float | None
    p_value: float | None
