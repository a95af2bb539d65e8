"""Timer schedules (six-field NCRONTAB) and what a stored status says about a missed tick."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from croniter import CroniterError, croniter

from infra.local.host.errors import CannotStart


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds, minutes, hours, day of month, month, day of week; UTC."""

    expression: str

    def __post_init__(self) -> None:
        if len(self.expression.split()) != 6:
            raise CannotStart(f"schedule {self.expression!r}: six fields are needed, seconds first")
        try:
            self.next_after(datetime(2000, 1, 1, tzinfo=UTC))
        except CroniterError as error:
            raise CannotStart(f"schedule {self.expression!r}: {error}") from error

    def next_after(self, moment: datetime) -> datetime:
        """Return the first tick later than ``moment``."""
        # NCRONTAB wants both the day of the month and the day of the week to match, cron either of them.
        ticks: Any = croniter(
            self.expression, moment.astimezone(UTC), ret_type=datetime, second_at_beginning=True, day_or=False
        )
        tick: datetime = ticks.get_next()
        return tick

    @property
    def monitored(self) -> bool:
        """Whether status is kept unless the trigger says otherwise: not for ticks less than a minute apart."""
        first = self.next_after(datetime(2000, 1, 1, tzinfo=UTC))
        return self.next_after(first) - first >= timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerStatus:
    """What is stored after each run, in calendar time; ``last`` is None until the first one."""

    last: datetime | None
    next: datetime
    updated: datetime

    @classmethod
    def initial(cls, schedule: Schedule, now: datetime) -> Self:
        """Return the status of a timer that has never run."""
        return cls(last=None, next=schedule.next_after(now), updated=now)

    @classmethod
    def after_run(cls, schedule: Schedule, *, started: datetime, now: datetime) -> Self:
        """Return the status after a run; ticks that fell into the run are not made up for."""
        return cls(last=started, next=schedule.next_after(now), updated=now)

    def missed(self, schedule: Schedule, now: datetime) -> bool:
        """Whether a tick passed since the status was stored; the schedule may have changed in between."""
        return schedule.next_after(self.updated) <= now
