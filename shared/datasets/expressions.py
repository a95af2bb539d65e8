"""Which rows are taken, as Ibis expressions: written once, and run by every engine.

They hold to what engines agree on. Moments are integers, texts are compared as bytes, a float is only compared, doubled, cut or
subtracted, and a constant is written as the text that both read back to the same bits. Columns are called as they are inside.
"""

import functools
import operator
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import ibis
from ibis.expr.types import BooleanValue, IntegerColumn, IntegerValue, NumericValue, StringValue, Table, Value

from shared.datasets.columns import ACTUAL, GROUP, HOUR, INPUT, PPM, VERSION, inside, kept, types
from shared.datasets.levels import FeatureLevels, Levels
from shared.datasets.manifest import Fault, Plan
from shared.datasets.reasons import (
    ACTUAL_AFTER_AS_OF,
    AFTER_AS_OF,
    CANARY,
    DATA_FAULT,
    HOUR_EXCLUDED,
    MISFIT_ACTUAL,
    NO_ACTUAL,
    SEGMENT,
    TOO_YOUNG,
)
from shared.datasets.recipe import Sampling, Segment
from shared.datasets.sampling import CLASSES, MILLION, PREFIX, Border, Cuts
from shared.schema import TEXT, FeatureType, Schema

_CANARY: Final = "canary-"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LARGEST: Final = 1.7976931348623157e308
_WHOLE: Final = 2.0**53


def candidates(predictions: Table, actuals: Table | None, plan: Plan, *, levels: Levels | None = None) -> Table:
    """Return every prediction beside the actual that counts, with what becomes of it.

    ``_reason`` says why it is left out, null where it can be taken; ``_key`` by what it is drawn and ``_stratum`` among which,
    empty where nothing is sampled. ``_enqueued_at`` is its own time where it was imported, and enqueued nowhere.

    Args:
        predictions: the columns of ``columns.of_predictions``, and ``columns.BESIDE``.
        actuals: those of ``columns.of_actuals``, of the same hours; None where there is none.
        plan: what is wanted.
        levels: of features, for a drift-aware sample; None before they are known.
    """
    sealed = predictions.mutate(_enqueued_at=_known_at(predictions))
    rows = _beside_actuals(sealed, actuals, plan)
    sample = plan.recipe.sample
    key = ibis.literal("") if sample is None else (ibis.literal(f"{sample.seed}|") + rows["_id"]).hexdigest("md5")
    return rows.mutate(_reason=_reason(rows, plan), _key=key, _stratum=_stratum(rows, plan, levels))


def counted(candidates: Table) -> Table:
    """Return how many ``rows`` there are by ``_reason``, and of those that can be taken by ``_stratum`` and ``_prefix``."""
    is_taken = candidates["_reason"].isnull()
    rows = candidates.select(
        _reason=candidates["_reason"],
        _stratum=ibis.ifelse(is_taken, candidates["_stratum"], ""),
        _prefix=ibis.ifelse(is_taken, candidates["_key"].substr(0, PREFIX), ""),
    )
    return rows.group_by(["_reason", "_stratum", "_prefix"]).aggregate(rows=rows.count())


def border_keys(candidates: Table, borders: Mapping[str, Border], rows: Table) -> Table:
    """Return ``_stratum`` and ``_key`` of the rows at borders.

    Args:
        candidates: as above.
        borders: by stratum.
        rows: the same as ``sampling.border_rows``.
    """
    prefix = candidates["_key"].substr(0, PREFIX)
    # The join says the same and more; but this alone can be asked of a row before its actual is looked for.
    possible = prefix.isin(sorted({one.prefix for one in borders.values()}))
    found = candidates.filter(possible, candidates["_reason"].isnull()).select("_stratum", "_key", _prefix=prefix)
    return found.join(rows, ["_stratum", "_prefix"]).select("_stratum", "_key")


def scouted(candidates: Table, plan: Plan, *, start: str) -> Table:
    """Return the features of a drift-aware sample's baseline, of the rows whose keys are from ``start`` on."""
    rows = candidates.filter(candidates["_key"] >= start, candidates["_reason"].isnull())
    return rows.select([inside(name) for name in sorted(plan.baseline)])


def chosen(candidates: Table, plan: Plan, cuts: Cuts | None, rows: Table | None) -> Table:
    """Return the rows that are taken, with what is kept of them and what finishing needs.

    ``_ppm`` is how many rows one stands for, in millionths; ``_group`` which rows stay together, as text.

    Args:
        candidates: as above.
        plan: what is wanted.
        cuts: by stratum; None where nothing is sampled.
        rows: the same as ``Cuts.rows``, likewise.
    """
    taken = candidates.filter(candidates["_reason"].isnull())
    if cuts is None or rows is None:
        taken = taken.mutate(_ppm=ibis.literal(MILLION, "int64"))
    else:
        if cuts.last is not None:
            # It can be asked of a row before its actual is looked for.
            taken = taken.filter(taken["_key"] <= cuts.last)
        taken = taken.join(rows, "_stratum")
        taken = taken.filter(taken["_cut"].isnull() | (taken["_key"] <= taken["_cut"]))
    columns = ["_id", "_external_id", "_request_id", "_at", "_enqueued_at", "_weight"]
    columns += [ACTUAL, "_actual_at", "_actual_enqueued_at", INPUT, PPM]
    group = plan.recipe.split.group
    if group is not None:
        kind = types(plan.schema).get(group, FeatureType.STRING)
        taken = taken.mutate(_group=_as_text(taken[inside(group)], kind))
        columns.append(GROUP)
    return taken.select(*columns, *map(inside, kept(plan)))


def certainty(rows: Table, schema: Schema) -> IntegerValue:
    """Return how sure an answer is, from 0 (two classes are as likely) to 9; 9 too where no probability is known.

    It is ten times the margin between the likeliest class and the next, without its fraction.

    Args:
        rows: with the outputs.
        schema: of a version whose probabilities are among its outputs.
    """
    given = [rows[inside(name)] for name in schema.probability_columns]
    is_known = functools.reduce(operator.and_, [one.notnull() for one in given])
    if len(given) == 1:
        margin = (given[0] * _number(2.0) - _number(1.0)).abs()
    else:
        # Counted from the end instead, Ibis asks Spark for another place.
        ranked = ibis.array(given).sort()
        margin = ranked[len(given) - 1] - ranked[len(given) - 2]
    steps = [margin < _number(place / CLASSES) for place in range(1, CLASSES)]
    return ibis.ifelse(is_known, ibis.cases(*((one, place) for place, one in enumerate(steps)), else_=CLASSES - 1), 9)


def level(rows: Table, schema: Schema, levels: Levels) -> IntegerValue:
    """Return the level of a row: the highest of its values'."""
    kinds = types(schema)
    each = [_level(rows[inside(name)], kinds[name], one) for name, one in sorted(levels.features.items())]
    if not each:
        return ibis.literal(0)
    return each[0] if len(each) == 1 else ibis.greatest(*each)


def _beside_actuals(predictions: Table, actuals: Table | None, plan: Plan) -> Table:
    if actuals is None:
        kind = "string" if plan.schema.outputs[0].type in TEXT else "float64"
        none = ibis.null("int64")
        return predictions.mutate(_actual=ibis.null(kind), _actual_at=none, _actual_enqueued_at=none, _later=none)
    found = _that_count(actuals, plan)
    return predictions.left_join(found, predictions["_id"] == found["_of"]).drop("_of")


def _that_count(actuals: Table, plan: Plan) -> Table:
    """Return the actual of each prediction that counts: the last one that was enqueued in time.

    The order is that of ``shared.actuals.counting.in_order``. Of a prediction without one, ``_later`` says when the last
    was enqueued that nobody knew of at ``as_of``.
    """
    enqueued_at = actuals["_actual_enqueued_at"]
    in_time = enqueued_at < _as_of(plan)
    delay = plan.recipe.actuals.delay
    if delay is not None:
        in_time &= enqueued_at <= _known_at(actuals) + delay // _MICROSECOND
    known = actuals.mutate(_in_time=ibis.ifelse(in_time, 1, 0))
    place = [ibis.coalesce(known[f"_actual_{name}"], -1) for name in ("partition", "sequence", "index")]
    order = [known["_in_time"], known["_actual_enqueued_at"], *place, known["_actual_id"].lower()]
    newest_first = ibis.window(group_by=known["_id"], order_by=[one.desc() for one in order])
    numbered = known.mutate(_place=ibis.row_number().over(newest_first))
    last = numbered.filter(numbered["_place"] == 0)
    counts, at = last["_in_time"] == 1, last["_actual_enqueued_at"]
    nothing = ibis.null("int64")
    return last.select(
        _of=last["_id"],
        _actual=ibis.ifelse(counts, last["actual"], ibis.null(last["actual"].type())),
        _actual_at=ibis.ifelse(counts, last["_actual_at"], nothing),
        _actual_enqueued_at=ibis.ifelse(counts, at, nothing),
        _later=ibis.ifelse(~counts & (at >= _as_of(plan)), at, nothing),
    )


def _reason(rows: Table, plan: Plan) -> StringValue:
    recipe = plan.recipe
    known_at = rows["_enqueued_at"]
    reasons = [(known_at >= _as_of(plan), AFTER_AS_OF)]
    if recipe.exclude.hours:
        reasons.append((rows[HOUR].isin(recipe.exclude.hours), HOUR_EXCLUDED))
    if plan.faults:
        reasons.append((_any([_is_faulty(rows, fault) for fault in plan.faults]), DATA_FAULT))
    if recipe.exclude.canaries:
        is_canary = rows["_external_id"].startswith(_CANARY)
        reasons.append((ibis.coalesce(is_canary, ibis.literal(value=False)), CANARY))
    kinds = types(plan.schema)
    for name, values in sorted(recipe.segments.items()):
        reasons.append((~_is_among(rows[inside(name)], kinds[name], values), SEGMENT))
    if recipe.actuals.delay is not None:
        reasons.append((known_at > _as_of(plan) - recipe.actuals.delay // _MICROSECOND, TOO_YOUNG))
    if recipe.actuals.required:
        reasons.append((rows["_later"].notnull(), ACTUAL_AFTER_AS_OF))
        reasons.append((rows["_actual_enqueued_at"].isnull(), NO_ACTUAL))
    # Asked for a float, Ibis has Spark say of NaN as well that it is null.
    is_there = rows["_actual_enqueued_at"].notnull()
    reasons.append((is_there & ~_is_answerable(rows[ACTUAL], plan.schema.outputs[0].type), MISFIT_ACTUAL))
    return ibis.cases(*reasons, else_=ibis.null("string"))


def _stratum(rows: Table, plan: Plan, levels: Levels | None) -> StringValue:
    sample = plan.recipe.sample
    match sample and sample.by:
        case Sampling.STRATIFIED if sample is not None:
            kinds = types(plan.schema)
            return functools.reduce(operator.add, [_named(rows[inside(one)], kinds[one]) for one in sample.strata])
        case Sampling.RECENT_FIRST:
            return rows[HOUR].substr(0, len("2026-03-01"))
        case Sampling.DRIFT_AWARE if levels is not None:
            return level(rows, plan.schema, levels).cast("string")
        case Sampling.UNCERTAINTY_FIRST:
            return certainty(rows, plan.schema).cast("string")
        case _:
            return ibis.literal("")


def _level(value: Value, kind: FeatureType, levels: FeatureLevels) -> IntegerValue:
    if levels.levels:
        number = value.cast("float64")
        return ibis.ifelse(number.abs() <= _number(_LARGEST), _run(number, levels.up_to, levels.levels), 0)
    text = _as_text(value, kind)
    known: dict[int, list[str]] = {}
    for name, one in levels.categories.items():
        known.setdefault(one, []).append(name)
    steps = [(text.isin(names), one) for one, names in sorted(known.items())]
    return ibis.cases((text.isnull(), 0), *steps, else_=levels.unknown)


def _run(number: NumericValue, up_to: Sequence[float], levels: Sequence[int]) -> IntegerValue:
    """Return the level of the run that a number is in, halving where there are many: comparisons are what it costs."""
    if not up_to:
        return ibis.literal(levels[0])
    half = len(up_to) // 2
    lower = _run(number, up_to[:half], levels[: half + 1])
    return ibis.ifelse(number <= _number(up_to[half]), lower, _run(number, up_to[half + 1 :], levels[half + 1 :]))


def _named(value: Value, kind: FeatureType) -> StringValue:
    """Return a value as a part of the name of a stratum: no two combinations have one name, and a missing one is no text."""
    text = _as_text(value, kind).replace("~", "~0").replace("|", "~1")
    return ibis.coalesce(ibis.literal("|=") + text, "|-")


def _as_text(value: Value, kind: FeatureType) -> StringValue:
    """Return a value, which is no float, as text: engines write those in ways of their own."""
    if kind is FeatureType.BOOLEAN:
        return ibis.cases((value, "true"), (~value, "false"), else_=ibis.null("string"))
    return value.cast("string")


def _is_among(value: Value, kind: FeatureType, values: Sequence[Segment]) -> BooleanValue:
    wanted = [("true" if one else "false") if isinstance(one, bool) else one for one in values]
    return ibis.coalesce(_as_text(value, kind).isin(wanted), ibis.literal(value=False))


def _is_faulty(rows: Table, fault: Fault) -> BooleanValue:
    return (rows[VERSION] == fault.version) & (rows[HOUR] >= fault.start) & (rows[HOUR] < fault.end)


def _is_answerable(actual: Value, answer: FeatureType) -> BooleanValue:
    """Say whether an actual is an answer that the model could give: a model that learned classes as floats answers with floats."""
    if answer in TEXT:
        return ibis.literal(value=True)
    if answer is FeatureType.BOOLEAN:
        return (actual == _number(0.0)) | (actual == _number(1.0))
    if answer is FeatureType.INTEGER:
        return (actual.abs() < _number(_WHOLE)) & (actual.abs() % _number(1.0) == _number(0.0))
    return actual.abs() <= _number(_LARGEST)


def _known_at(rows: Table) -> IntegerColumn:
    return ibis.coalesce(rows["_enqueued_at"], rows["_at"])


def _as_of(plan: Plan) -> int:
    if plan.recipe.as_of is None:
        raise ValueError("the recipe of a plan says as of when")
    return (plan.recipe.as_of - _EPOCH) // _MICROSECOND


def _number(value: float) -> NumericValue:
    """Return a constant that every engine reads to the same bits: as a decimal it would be rounded twice."""
    return ibis.literal(repr(value)).cast("float64")


def _any(conditions: Sequence[BooleanValue]) -> BooleanValue:
    return functools.reduce(operator.or_, conditions)
