"""What ``retrain`` says, in words and for programs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # each command imports what it needs
    from shared.retraining.held_out import HeldOut
    from shared.retraining.held_out_store import HeldOutComparison
    from shared.retraining.preparing import Material
    from shared.retraining.training_set import TrainingSet


def material(one: "Material") -> str:
    """Return rows, coverage, span and reason of what there is to learn from, in words."""
    share = "" if one.coverage is None else f" ({one.coverage:.1%})"
    why = f", as {one.decision} decided" if one.decision else ""
    return (
        f"{one.rows:,} of {one.predictions:,} predictions{share}, those with an actual, "
        f"from {one.first.key} to {one.end.key}{why}"
    )


def values_of(one: "Material") -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "model": one.parent.model,
        "parent": one.parent.version,
        "start": one.first.key,
        "end": one.end.key,
        "decision": one.decision,
        "predictions": one.predictions,
        "rows": one.rows,
        "coverage": one.coverage,
    }


def rows(drawn: "TrainingSet") -> str:
    """Return the rows of a training set, and what they are of, in words."""
    made = drawn.made
    return (
        f"{drawn.rows.num_rows:,} rows of dataset {made.dataset[:12]}, which holds out {drawn.held_out.num_rows:,} more; "
        f"it is made of {made.predictions:,} predictions from {made.recipe.start} to {made.recipe.end}"
    )


def values(drawn: "TrainingSet", compared: "HeldOutComparison | None" = None) -> dict[str, Any]:
    """Return the same for programs, with how the challenger compares."""
    import msgspec

    made = drawn.made
    return {
        "model": drawn.parent.model,
        "parent": drawn.parent.version,
        "dataset": made.dataset,
        "start": made.recipe.start,
        "end": made.recipe.end,
        "predictions": made.predictions,
        "excluded": made.excluded,
        "checks": {one.name: one.outcome.value for one in made.checks},
        "rows": drawn.rows.num_rows,
        "held_out": drawn.held_out.num_rows,
        "sha256": drawn.sha256,
        "size_bytes": len(drawn.file),
        "comparison": None if compared is None else msgspec.to_builtins(compared.result),
        "comparison_path": None if compared is None else compared.path,
    }


def registered(drawn: "TrainingSet", version: str, compared: "HeldOut") -> str:
    """Return that a version is registered, of what it is made, and how it compares, in words."""
    parent = drawn.parent
    return (
        f"{parent.model} {version} is registered as a challenger of {parent.version}, made of {rows(drawn)}\n"
        f"{_beside(parent.version, version, compared)}"
    )


def what_next(model: str, version: str, compared: "HeldOut", *, wanted: bool) -> str:
    """Return whether the challenger answers now; ``wanted`` if that was asked for where it is established."""
    if not wanted:
        return f"python manage.py promote {model} {version}"
    if compared.is_established:
        return f"{model} {version} is champion: it is established that it is better"
    return f"it is not established that it is better: python manage.py promote {model} {version}, if you want it anyway"


def _beside(champion: str, version: str, one: "HeldOut") -> str:
    """Return what both lost on the rows held out, in words."""
    if one.difference is None:
        return f"it cannot be compared with {champion}: {one.left_out}"
    strays = "" if one.interval is None else f" ({one.interval[0]:+.4f} to {one.interval[1]:+.4f})"
    sure = "nobody knows how sure that is" if one.sureness is None else f"{one.sureness:.1%} sure to be better"
    return (
        f"mean {one.loss.replace('_', ' ')} on {one.rows:,} rows held out: {one.champion:.4f} of {champion}, "
        f"{one.challenger:.4f} of {version}; difference {one.difference:+.4f}{strays}, {sure}"
    )
