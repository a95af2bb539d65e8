"""Measure what the answers of a period cost, hour by hour: the champion's, and those of versions asked the same rows.

Before its actuals have had their time, a period is only asked about: how far answers differ needs none.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.capture.records import Kind, Shelf
from shared.registry.manifest import Manifest
from shared.retrain_config import Loss
from shared.retraining.actuals import Actuals
from shared.retraining.asking import answer_losses, disagreement, output_columns, unjudged
from shared.retraining.challenging import Asked, Challenging
from shared.retraining.losses import Floats, Sums
from shared.retraining.period_losses import Compared, PeriodLosses
from shared.retraining.periods import Period
from shared.sealing.hours.manifests import Manifests, SealedHour

_IDS = "_id"


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of the rows that others were asked: id, actual, weight and hour of each, and what the champion's answer cost."""

    rows: pa.Table
    losses: Floats


@dataclass(slots=True)
class Measuring:
    """Measures periods."""

    manifests: Manifests
    actuals: Actuals
    challenging: Challenging

    async def sources(
        self, champion: Manifest, period: Period, *, is_settled: bool
    ) -> tuple[list[SealedHour], dict[str, str]]:
        """Return the champion's sealed hours of a period, and the SHA-256 of all that is measured, or asked about, by path."""
        shelf = Shelf(Kind.PREDICTION, champion.model, champion.version)
        hours = await self.manifests.between(shelf, period.first, period.end)
        joined = await self.actuals.inputs(champion, period.first, period.end) if is_settled else {}
        return hours, _inputs(hours) | joined

    async def ask(
        self,
        champion: Manifest,
        versions: Sequence[Manifest],
        period: Period,
        hours: Sequence[SealedHour],
        *,
        loss: Loss,
        most_rows: int,
    ) -> PeriodLosses:
        """Return how far answers of a period differ that is not settled yet; arguments as of ``measure``.

        Raises:
            InvalidDocument: rows were damaged.
        """
        asked = await self.challenging.challenge(champion, versions, period, hours, most_rows=most_rows)
        return PeriodLosses(
            model=champion.model,
            start=period.first.key,
            end=period.end.key,
            champion=champion.version,
            loss=loss,
            most_rows=most_rows,
            predictions=sum(hour.manifest.rows for hour in hours),
            rows=0,
            mean=None,
            standard_error=None,
            compared=_all_compared(asked, None, loss),
            inputs=_inputs(hours),
            reason=unjudged(loss, champion),
            is_settled=False,
        )

    async def measure(
        self,
        champion: Manifest,
        versions: Sequence[Manifest],
        period: Period,
        hours: Sequence[SealedHour],
        *,
        loss: Loss,
        most_rows: int,
    ) -> PeriodLosses:
        """Return what answers of a period cost; ``hours`` are the champion's, as ``sources`` returned them.

        Raises:
            InvalidDocument: rows were damaged.
        """
        asked = await self.challenging.challenge(champion, versions, period, hours, most_rows=most_rows)
        ids = _ids(asked)
        reason = unjudged(loss, champion)
        total = Sums.none()
        predictions, seen, inputs = 0, list[_Seen](), _inputs(hours)
        for hour in hours:
            joined = await self.actuals.between(
                champion,
                hour.hour,
                hour.hour.plus(1),
                columns=[_IDS, "hour", "_weight", "actual", *output_columns(loss, champion)]
                if reason is None
                else [_IDS],
            )
            predictions += joined.predictions
            inputs |= joined.inputs
            if reason is None and joined.rows.num_rows:
                own, met = await asyncio.to_thread(_of_hour, joined.rows, champion, loss, ids)
                total += own
                seen.append(met)
        mean = total.mean()
        return PeriodLosses(
            model=champion.model,
            start=period.first.key,
            end=period.end.key,
            champion=champion.version,
            loss=loss,
            most_rows=most_rows,
            predictions=predictions,
            rows=total.rows,
            mean=mean.value if mean else None,
            standard_error=mean.standard_error if mean else None,
            compared=_all_compared(asked, _together(seen), loss),
            inputs=inputs,
            reason=reason,
        )


def _inputs(hours: Sequence[SealedHour]) -> dict[str, str]:
    return {hour.path: hour.sha256 for hour in hours}


def _ids(asked: Sequence[Asked]) -> pa.Array:
    tables = [one.answered.column(_IDS) for one in asked if one.answered is not None]
    return pc.unique(pa.chunked_array([chunk for one in tables for chunk in one.chunks], pa.string()))


def _of_hour(rows: pa.Table, champion: Manifest, loss: Loss, ids: pa.Array) -> tuple[Sums, _Seen]:
    losses = answer_losses(loss, champion, rows, rows.column("actual").to_pylist())
    sums = Sums.of(losses, _weights(rows), rows.column("hour").to_pylist())
    wanted = pc.is_in(rows.column(_IDS), value_set=ids)
    kept = rows.filter(wanted).select([_IDS, "hour", "_weight", "actual"])
    return sums, _Seen(kept, losses[wanted.to_numpy()])


def _together(seen: Sequence[_Seen]) -> _Seen | None:
    if not seen:
        return None
    return _Seen(pa.concat_tables([one.rows for one in seen]), np.concatenate([one.losses for one in seen]))


def _all_compared(asked: Sequence[Asked], seen: _Seen | None, loss: Loss) -> tuple[Compared, ...]:
    return tuple(_compared(one, seen, loss) for one in sorted(asked, key=lambda one: one.version.version))


def _compared(one: Asked, seen: _Seen | None, loss: Loss) -> Compared:
    """Return a version beside the champion, on the rows whose actuals are known."""
    version, answered = one.version, one.answered
    reason = one.reason or unjudged(loss, version)
    if answered is None or reason is not None:
        return Compared(version=version.version, left_out=reason or "it was asked nothing: there were no rows")
    told = Compared(version=version.version, asked=answered.num_rows, disagreement=disagreement(loss, answered))
    if seen is None:
        return told
    # Where each row that is known stands among those that were asked.
    places = pc.index_in(seen.rows.column(_IDS), value_set=answered.column(_IDS).combine_chunks())
    is_known = pc.is_valid(places).to_numpy()
    known = seen.rows.filter(pc.is_valid(places))
    if not known.num_rows:
        return told
    answers = answered.take(pc.drop_null(places))
    losses = answer_losses(loss, version, answers, known.column("actual").to_pylist())
    weights, hours = _weights(known), known.column("hour").to_pylist()
    own = Sums.of(losses, weights, hours).mean()
    gap = Sums.of(seen.losses[is_known] - losses, weights, hours).mean()
    return Compared(
        version=version.version,
        asked=told.asked,
        rows=known.num_rows,
        loss=own.value if own else None,
        gap=gap.value if gap else None,
        gap_error=gap.standard_error if gap else None,
        disagreement=told.disagreement,
    )


def _weights(rows: pa.Table) -> Floats:
    weights: Floats = rows.column("_weight").to_numpy().astype(np.float64)
    return weights
