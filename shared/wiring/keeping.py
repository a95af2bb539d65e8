"""What makes hours of records, joins actuals to them, and accounts for every one."""

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from shared.wiring.clients import blobs, draining_lanes, hub, reader, telemetry
from shared.wiring.environment import clock, privacy_key, settings
from shared.wiring.stores import baselines, decisions, manifests, registry

if TYPE_CHECKING:
    from shared.actuals.joining import Joining
    from shared.actuals.stepping import Stepping
    from shared.capture.accepting import Accepting
    from shared.capture.capturing import Capturing
    from shared.capture.dead import DeadLetters
    from shared.capture.publishing.draining import Draining
    from shared.erasing.erasing import Erasing
    from shared.sealing.accounting.verifying import Verifying
    from shared.sealing.hours.generations import Generations
    from shared.sealing.imports.importing import Importing
    from shared.sealing.retention import Later
    from shared.sealing.sealing import Sealing


@cache
def capturing() -> "Capturing":
    """Return what keeps delivered batches."""
    from shared.capture.capturing import Capturing
    from shared.capture.cursor import Cursors
    from shared.capture.hour_log import HourLogs
    from shared.capture.reading_back import ReadingBack

    return Capturing(hub(), HourLogs(blobs()), Cursors(blobs(), clock()), registry(), telemetry(), ReadingBack(reader))


@cache
def draining() -> "Draining":
    """Return what empties the spool."""
    from shared.capture.publishing.draining import Draining
    from shared.capture.publishing.spool import Spool

    return Draining(Spool(blobs()), draining_lanes(), clock(), telemetry(), target=settings().events_hub)


@cache
def dead_letters() -> "DeadLetters":
    """Return what reads dead letters again."""
    from shared.capture.dead import DeadLetters

    return DeadLetters(blobs(), hub(), registry())


@cache
def sealing() -> "Sealing":
    """Return what seals hours."""
    from shared.capture.cursor import Cursors
    from shared.sealing.days.rolling import Rolling
    from shared.sealing.retention import Periods, Retention
    from shared.sealing.sealing import Sealing

    ours = settings()
    return Sealing(
        blobs(),
        hub(),
        Cursors(blobs(), clock()),
        manifests(),
        _generations(),
        clock(),
        telemetry(),
        grace=timedelta(seconds=ours.seal_grace_s),
        logs_kept=timedelta(days=ours.logs_kept_days),
        rolling=Rolling(blobs(), manifests(), telemetry()),
        retention=Retention(
            blobs(),
            manifests(),
            clock(),
            telemetry(),
            Periods(logs=ours.logs_kept_days, hours=ours.hours_kept_days, dead=ours.dead_kept_days),
            later=_later(),
        ),
    )


@cache
def joining() -> "Joining":
    """Return what joins actuals to predictions."""
    from shared.actuals.joining import Joining

    return Joining(blobs(), _stepping(), telemetry())


@cache
def importing() -> "Importing":
    """Return what imports histories."""
    from shared.sealing.imports.importing import Importing

    kept = settings().hours_kept_days
    return Importing(blobs(), registry(), manifests(), _generations(), clock(), privacy_key(), kept)


@cache
def erasing() -> "Erasing":
    """Return what erases subjects."""
    from shared.capture.cursor import Cursors
    from shared.erasing import erasing

    return erasing.over(
        blobs(),
        registry(),
        manifests(),
        _generations(),
        Cursors(blobs(), clock()),
        _stepping(),
        privacy_key=privacy_key(),
        hub_keeps=timedelta(days=settings().events_retention_days),
    )


@cache
def verifying() -> "Verifying":
    """Return what draws up the account."""
    from shared.sealing.accounting.verifying import Verifying

    ours = settings()
    return Verifying(blobs(), hub(), clock(), ours.spool_max_age_s, ours.hours_kept_days)


@cache
def accepting() -> "Accepting":
    """Return what takes note of losses."""
    from shared.capture.accepting import Accepting

    return Accepting(blobs(), clock())


def _later() -> "tuple[Later, ...]":
    from shared.actuals.outlived import OutlivedJoins
    from shared.alerts.outlived import NEWS_KEPT_DAYS, OutlivedNews
    from shared.datasets.outlived import KEPT_DAYS, OutlivedBuilds
    from shared.erasing.outlived import OutlivedHashes
    from shared.monitoring.outlived import Outlived
    from shared.retraining.outlived import OutlivedChallenges
    from shared.sealing.retention import Later

    ours = settings()
    watched, joined, asked = Outlived(blobs()), OutlivedJoins(blobs()), OutlivedChallenges(blobs())
    told, erased = OutlivedNews(blobs(), decisions().knows), OutlivedHashes(blobs(), clock())
    built = OutlivedBuilds(blobs())
    return (
        Later(ours.hours_kept_days, watched.evaluations),
        Later(NEWS_KEPT_DAYS, told.news),
        Later(ours.hours_kept_days, joined.hours),
        Later(ours.logs_kept_days, joined.marks),
        Later(ours.logs_kept_days, erased.hashes),
        Later(ours.hours_kept_days, asked.challenges),
        Later(ours.hours_kept_days, asked.training_sets),
        Later(KEPT_DAYS, built.builds),
        Later(KEPT_DAYS, built.requests),
    )


@cache
def _stepping() -> "Stepping":
    from shared.actuals.stepping import Stepping

    days = settings().actuals_stand_days
    return Stepping(blobs(), manifests(), registry(), clock(), telemetry(), standing_days=days)


@cache
def _generations() -> "Generations":
    from shared.sealing.hours.doubles import Doubles
    from shared.sealing.hours.generations import Generations

    return Generations(blobs(), registry(), baselines(), Doubles(blobs()), telemetry())
