"""Where what is sealed lies."""

from typing import Final

from shared.capture.records import Kind, Shelf
from shared.hours import Hour

UNJOINED: Final = "captures/unjoined/"
"""Where it is marked what waits to be joined."""


def chain_path(shelf: Shelf) -> str:
    """Return where the chain of a shelf is."""
    return f"captures/hours/{shelf.folder}/_chain.json"


def hour_folder(shelf: Shelf, hour: Hour) -> str:
    """Return where a sealed hour is, ending in a slash."""
    return f"captures/hours/{shelf.folder}/{hour.folder}/"


def manifest_path(shelf: Shelf, hour: Hour) -> str:
    """Return where a sealed hour's manifest is."""
    return f"{hour_folder(shelf, hour)}_manifest.json"


def unjoined_folder(kind: Kind, model: str) -> str:
    """Return where it is marked which generations of a kind and a model wait to be joined, ending in a slash."""
    return f"{UNJOINED}kind={kind}/model={model}/"


def unjoined_path(shelf: Shelf, hour: Hour, number: int) -> str:
    """Return the mark of a generation: empty as long as it was not joined."""
    return f"{unjoined_folder(shelf.kind, shelf.model)}version={shelf.version}/{hour.folder}/{number}"


def day_folder(shelf: Shelf, date: str) -> str:
    """Return where a rolled-up day is, ending in a slash."""
    return f"captures/days/{shelf.folder}/date={date}/"


def day_path(shelf: Shelf, date: str) -> str:
    """Return where a rolled-up day's document is."""
    return f"{day_folder(shelf, date)}_day.json"


def account_path(date: str) -> str:
    """Return where the account of a day is."""
    return f"captures/account/date={date}.json"
