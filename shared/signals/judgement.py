"""What judging answers: a verdict for each signal, and the numbers and words behind it."""

from enum import StrEnum

import msgspec


class Signal(StrEnum):
    """What is watched: of a version what it is asked, what it answers and what turns out; of the app whether it keeps all."""

    DRIFT = "drift"
    PREDICTION_DRIFT = "prediction_drift"
    JOINT_DRIFT = "joint_drift"
    SEGMENT_DRIFT = "segment_drift"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    ACTUALS = "actuals"

    CAPTURE_GAP = "capture_gap"
    CAPTURE_STUCK = "capture_stuck"
    CAPTURE_LAG = "capture_lag"
    SPOOL = "spool"
    ACCOUNT = "account"


class Verdict(StrEnum):
    """Within the threshold, past it, or too few rows to say."""

    OK = "ok"
    BREACH = "breach"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """What a breach looks like."""

    DATA_FAULT = "data fault"
    SEASON = "season"
    PRIOR_SHIFT = "prior shift"
    COVARIATE_SHIFT = "covariate shift"


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """What a breach looks like, and by which evidence."""

    cause: Cause
    evidence: tuple[str, ...]


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of one feature, judged.

    Attributes:
        feature: its name, or an output's column; within a segment, ``<segment>: <name>``; of several, words for them.
        metric: what was measured: a distance of values (``ks``, ``l_infinity``), what ``joint`` and ``quality`` name, or
            what a fixed threshold is for.
        value: the number; None where there was nothing to compare.
        threshold: what it was held against; a fixed one with either sign.
        p_value: what chance alone would give as much of it; None where there was nothing to compare, or chance was not
            asked, as by a fixed threshold.
        rows: rows of the current window that were compared.
        needed: rows from which silence means something; None where no number would do, which ``reason`` explains, or where
            no number was asked for, as by a fixed threshold.
        verdict: of this comparison alone, unless the signal as a whole says that it cannot be told.
        reason: one sentence for a person.
        also: other metrics of the same feature, by name; fixed thresholds of them are measurements of their own.
        p_values: what chance alone would give as much of those, by the same names; of some there is none.
    """

    feature: str
    metric: str
    value: float | None
    threshold: float
    p_value: float | None
    rows: int
    needed: int | None
    verdict: Verdict
    reason: str
    also: dict[str, float] = {}
    p_values: dict[str, float] = {}


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one signal.

    It is a breach if one comparison is, unknown if none could be judged, else ok.

    Attributes:
        signal: what was watched.
        verdict: see above.
        reasons: for a person: what is past its threshold, the largest first, and how much could not be judged.
        measurements: every comparison: breaches first, the largest leading; then the unknown; then the rest.
        learned_from: how many windows of history said what is sure; None where a conservative rule did.
        shares: of a breach, how much of the shift each feature makes up, the largest first.
        triage: of a breach, what it looks like.
    """

    signal: Signal
    verdict: Verdict
    reasons: tuple[str, ...]
    measurements: tuple[Measurement, ...]
    learned_from: int | None = None
    shares: dict[str, float] = {}
    triage: Triage | None = None
