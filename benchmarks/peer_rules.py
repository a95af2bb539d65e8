"""What other tools alarm on, as one number for each window: the rule's own, of the feature that strays furthest.

Each is the tool's default for a number, re-derived from its documentation, on histograms: the largest over all features,
because any feature alarms. A threshold is not part of it: all are held against the same share of false alarms.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reference:
    """What windows are compared with: the counts of the history as a whole, and its windows, for who looks at these."""

    whole: Counts
    windows: Counts
    edges: Floats


def evidently(windows: Counts, reference: Reference) -> Floats:
    """Evidently's default: KS's p-value for a reference of up to 1,000 rows, above that Wasserstein over the deviation."""
    return alibi_detect(windows, reference) if reference.whole[0].sum() <= 1000 else azure_ml(windows, reference)


def nannyml(windows: Counts, reference: Reference) -> Floats:
    """NannyML's default: the Jensen-Shannon distance, in standard deviations of its mean over the reference's windows."""
    usual = _jensen_shannon(reference.windows, reference.whole)
    spread = np.maximum(usual.std(axis=0), 1e-9)
    return _largest((_jensen_shannon(windows, reference.whole) - usual.mean(axis=0)) / spread)


def alibi_detect(windows: Counts, reference: Reference) -> Floats:
    """alibi-detect's KSDrift: the smallest p-value, Bonferroni; all features have as many rows, so the largest KS is it."""
    apart = np.abs(_up_to(windows) - _up_to(reference.whole))
    return _largest(apart.max(axis=-1))


def azure_ml(windows: Counts, reference: Reference) -> Floats:
    """Azure ML's default for numbers (v2): the normalised Wasserstein distance."""
    apart = np.abs(_up_to(windows) - _up_to(reference.whole))[..., :-1]
    return _largest(apart[..., :-1] @ np.diff(reference.edges))


def psi(windows: Counts, reference: Reference) -> Floats:
    """The population stability index over tenths, or as near as the bins come, empty ones at 1e-4."""
    now, before = (np.maximum(_shares(_coarse(one, 8)), 1e-4) for one in (windows, reference.whole))
    return _largest(((now - before) * np.log(now / before)).sum(axis=-1))


PEERS: dict[str, Callable[[Counts, Reference], Floats]] = {
    "Evidently": evidently,
    "NannyML": nannyml,
    "alibi-detect": alibi_detect,
    "Azure ML": azure_ml,
    "PSI": psi,
}


def _largest(values: Floats) -> Floats:
    largest: Floats = values.max(axis=-1)
    return largest


def _shares(counts: Counts) -> Floats:
    shares: Floats = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return shares


def _up_to(counts: Counts) -> Floats:
    return np.cumsum(_shares(counts), axis=-1)


def _coarse(counts: Counts, bins: int) -> Counts:
    merged: Counts = counts.reshape(*counts.shape[:-1], bins, -1).sum(axis=-1)
    return merged


def _jensen_shannon(counts: Counts, reference: Counts) -> Floats:
    now, before = (_shares(_coarse(one, 16)) for one in (counts, reference))
    middle = (now + before) / 2

    def entropy(shares: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(shares > 0, shares * np.log2(shares / middle), 0.0)
        found: Floats = terms.sum(axis=-1)
        return found

    return np.sqrt(np.maximum((entropy(now) + entropy(before)) / 2, 0.0))
