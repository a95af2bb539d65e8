"""Where what is joined lies."""

from typing import Final

from shared.capture.records import Kind, Shelf
from shared.hours import Hour

JOINS: Final = "captures/joins/"


def model_folder(model: str) -> str:
    """Return where everything joined of a model is, ending in a slash."""
    return f"{JOINS}model={model}/"


def progress_path(model: str) -> str:
    """Return where a model's progress is."""
    return f"{model_folder(model)}_progress.json"


def steps_folder(model: str) -> str:
    """Return where steps wait to be carried out, ending in a slash."""
    return f"{model_folder(model)}steps/"


def standing_folder(model: str) -> str:
    """Return where actuals stand whose predictions may still come, ending in a slash."""
    return f"{model_folder(model)}standing/"


def joined_folder(model: str, version: str, hour: Hour) -> str:
    """Return where a joined hour is, ending in a slash; it is the hour of the predictions."""
    return f"{model_folder(model)}version={version}/{hour.folder}/"


def joined_path(model: str, version: str, hour: Hour) -> str:
    """Return where a joined hour's manifest is."""
    return f"{joined_folder(model, version, hour)}_manifest.json"


def predictions_of(path: str) -> tuple[Shelf, Hour]:
    """Return whose predictions, and of which hour, a blob of a joined hour is about.

    >>> shelf, hour = predictions_of("captures/joins/model=m/version=1/date=2026-03-01/hour=09/rows-3.parquet")
    >>> shelf.folder, hour.key
    ('kind=prediction/model=m/version=1', '2026-03-01T09')
    """
    model, version = (path.split(f"/{name}=", 1)[1].split("/", 1)[0] for name in ("model", "version"))
    return Shelf(Kind.PREDICTION, model, version), Hour.at_path(path)
