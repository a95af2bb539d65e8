"""The table that the story ends with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from infra.local.demo import outcome
from infra.local.demo.commands import CHALLENGER, CHAMPION, MODEL
from infra.local.demo.story import Story
from shared.capture.records import Kind
from shared.retraining.period_losses import Compared

_HOUR_S: Final = 3600.0


def tell(console: Console, story: Story, folder: Path, *, took_s: float) -> None:
    """Show what happened, and where it is."""
    table = Table(show_header=False, title=f"Driftline: the story took {took_s:.0f} s")
    for rows in (
        _kept(story),
        _alerts(story),
        _performance(story),
        _dataset(story),
        _decisions(story),
        _places(folder),
    ):
        for label, said in rows:
            table.add_row(label, said)
        table.add_section()
    console.print(table)


def _kept(story: Story) -> Iterator[tuple[str, str]]:
    """Yield what became of every row."""
    lost, doubled = outcome.lost_and_doubled(story.ledger, story.found)
    times = outcome.latency(story.ledger)
    hours = story.found.hours
    yield "rows scored", f"{story.ledger.rows:,} in {story.ledger.requests:,} requests"
    yield "rows acknowledged as kept", f"{len(story.ledger.acknowledged):,}"
    yield "found again in storage", f"{len(story.found.predictions):,} ({lost} lost, {doubled} twice)"
    yield "actuals: sent, stored, joined", f"{story.ledger.actuals:,}, {story.found.actuals:,}, {story.joined:,}"
    yield from _arrived(story.status)
    yield "hours sealed", f"{hours[Kind.PREDICTION]} of predictions, {hours[Kind.ACTUAL]} of actuals"
    yield "scoring latency p50, p95, p99", f"{times.p50:.1f}, {times.p95:.1f}, {times.p99:.1f} ms"


def _arrived(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield how many predictions of the last 30 days have an actual, and how long these took."""
    for one in status["versions"]:
        if one["predictions"]:
            half, nearly_all = (one["delay_s"][share] for share in ("0.50", "0.95"))
            took = f"; half within {_hours(half)}, 95 % within {_hours(nearly_all)}" if one["joined"] else ""
            yield f"flights {one['version']}: with an actual", f"{one['joined']:,} of {one['predictions']:,}{took}"


def _alerts(story: Story) -> Iterator[tuple[str, str]]:
    """Yield what arrived at the webhook, and what would not have."""
    for message in story.alerts:
        one = message["data"]
        about = one.get("signal") or one.get("verdict", "")
        yield f"{message['type']} ({about})", "\n".join(one["reasons"][:3])
    replayed = story.replayed
    yield (
        "the two weeks after the training",
        f"{len(replayed['alarms'])} alarms in {replayed['looks']} looks, {replayed['calibrating']} of them calibrating",
    )


def _performance(story: Story) -> Iterator[tuple[str, str]]:
    """Yield how good answers were where actuals have come, and how good they should be where none have."""
    newest = msgspec.to_builtins(story.estimated) if story.estimated else story.newest
    report = newest.get("performance")
    if report is None:
        yield from _newest_loss(story)
        return
    metric = report["metric"]
    yield f"{metric}, {_span(report)}", f"{_figure(report['realised'].get(metric))}, by the actuals"
    for one in report["side_by_side"]:
        if one["metric"] == metric:
            held = "it held" if one["covers"] else "it did not hold"
            yield "... as it was estimated without them", f"{_figure(one['estimated'])}: {held}"
    yield f"{metric}, {_span(newest)}, estimated", _figure(report["estimated"].get(metric))


def _newest_loss(story: Story) -> Iterator[tuple[str, str]]:
    """Yield how good answers of the newest day were that something was decided of."""
    decided = [(day, story.decided[day.key].losses) for day in story.days if day.key in story.decided]
    for day, losses in decided[-1:]:
        if losses.mean is not None:
            error = "" if losses.standard_error is None else f" ± {losses.standard_error:.3f}"
            yield f"wrong answers, {day.start:%-d %B}", f"{losses.mean:.3f}{error} of {losses.rows:,} with an actual"


def _dataset(story: Story) -> Iterator[tuple[str, str]]:
    """Yield what the challenger learned from, how it was made, and what it was worth on the newest of these rows."""
    taught, lineage = story.taught, story.lineage
    left = ", ".join(f"{rows:,} {reason.replace('_', ' ')}" for reason, rows in sorted(taught["excluded"].items()))
    yield (
        f"dataset {taught['dataset'][:12]}",
        (
            f"{taught['predictions']:,} predictions in, {taught['rows']:,} out to learn from and {taught['held_out']:,} "
            f"held out; left out: {left or 'none'}"
        ),
    )
    yield "... its checks", ", ".join(f"{name.replace('_', ' ')} {said}" for name, said in taught["checks"].items())
    if lineage is not None:
        yield (
            f"flights {CHALLENGER}, a challenger",
            f"made of this dataset in place of flights {lineage.parent}, {lineage.start} to {lineage.end}; it never answers",
        )
    compared = taught["comparison"]
    if compared and compared["difference"] is not None:
        yield (
            "... on the rows held out",
            (
                f"wrong of {compared['rows']:,} answers: {compared['champion']:.3f} of flights {CHAMPION}, "
                f"{compared['challenger']:.3f} of flights {CHALLENGER}; difference {compared['difference']:+.3f}, "
                f"{_sure(compared['sureness'])}"
            ),
        )


def _sure(sureness: float | None) -> str:
    return "nobody knows how sure" if sureness is None else f"{sureness:.1%} sure to be better"


def _decisions(story: Story) -> Iterator[tuple[str, str]]:
    """Yield what was decided of each day and why, and how to check it by hand."""
    asked: list[Compared] = []
    for day in story.days:
        one = story.decided.get(day.key)
        if one is None:
            continue
        lines = [one.decision.reasons[0]]
        beside = one.losses.beside(CHALLENGER)
        if beside is not None and beside.loss is not None and beside.gap is not None:
            asked.append(beside)
            lines.insert(0, _beside(beside))
        yield f"{day.start:%-d %B}: {one.decision.verdict.upper()}", "\n".join(lines)
    if asked:
        yield "to check by hand", _by_hand(asked)


def _wrong(one: Compared) -> tuple[int, int]:
    """Return how many answers of the champion and of the challenger were wrong, on the same rows."""
    theirs = (one.loss or 0.0) * one.rows
    return round(theirs + (one.gap or 0.0) * one.rows), round(theirs)


def _beside(one: Compared) -> str:
    ours, theirs = _wrong(one)
    error = "" if one.gap_error is None else f" ± {one.gap_error:.3f}"
    return (
        f"wrong of {one.rows:,} answers: {ours} ({ours / one.rows:.3f}) of flights {CHAMPION}, {theirs} "
        f"({theirs / one.rows:.3f}) of flights {CHALLENGER}; gap {one.gap:.3f}{error}"
    )


def _by_hand(asked: list[Compared]) -> str:
    """Return what the challenger would have saved since the champion answers, as a sum of fractions."""
    pairs = [(*_wrong(one), one.rows) for one in asked]
    terms = " + ".join(f"({ours} - {theirs}) / {rows}" for ours, theirs, rows in pairs)
    saved = sum((ours - theirs) / rows for ours, theirs, rows in pairs)
    return f"{terms} = {saved:.3f} saved\n2 points x 14 days = 0.02 x 14 = 0.28 is what a retrain costs"


def _places(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield where everything is."""
    hours = f"hours/kind=prediction/model={MODEL}/version={CHAMPION}/"
    yield "sealed hours", f"{folder}/azurite, container captures, {hours}"
    yield "decisions, what days cost", f"... container monitoring, decisions/model={MODEL}/, periods/model={MODEL}/"
    yield "alerts as they arrived", f"{folder}/sinks/webhooks.jsonl"
    yield "telemetry as it was sent", f"{folder}/sinks/telemetry.jsonl"
    yield "to look around in it", f"python -m infra.local --data {folder}"
    yield "... and to decide again", f"python manage.py decide {MODEL} --settings {folder}/local.settings.json"


def _span(hours: dict[str, Any]) -> str:
    return f"{hours['start']} to {hours['end']}"


def _figure(figure: dict[str, Any] | None) -> str:
    if figure is None or figure.get("value") is None:
        return f"unknown: {figure['unknown']}" if figure else "unknown"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _hours(seconds: float) -> str:
    return f"{seconds / _HOUR_S:.1f} hours"
