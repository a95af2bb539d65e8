"""The one place that reads the environment and builds clients; everything is built when it is first asked for.

Only ``functions``, ``manage.py``, ``infra/cli`` and ``infra/local`` import it. What is built lives as long as the process: connections
are opened once, and everything here runs on one event loop.
"""

import atexit
import base64
import os
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.settings import Settings
from shared.telemetry import Telemetry

if TYPE_CHECKING:  # building imports them; importing this module must not
    from aiohttp import ClientSession
    from azure.eventhub.aio import EventHubConsumerClient
    from azure.identity.aio import DefaultAzureCredential

    from shared.actuals.joining import Joining
    from shared.actuals.reading import Joins
    from shared.alerts.delivering import Delivering, Post
    from shared.alerts.outbox import Outbox
    from shared.blobs import Blobs
    from shared.capture.accepting import Accepting
    from shared.capture.actuals import ReceivingActuals
    from shared.capture.capturing import Capturing
    from shared.capture.dead import DeadLetters
    from shared.capture.hub import Hub
    from shared.capture.publishing.draining import Draining
    from shared.capture.publishing.lanes import Lanes
    from shared.capture.publishing.publisher import CaptureOff, Publisher
    from shared.health import Health
    from shared.monitoring.backtest import Backtest
    from shared.monitoring.catalog import Catalog
    from shared.monitoring.evaluating import Evaluating
    from shared.monitoring.evaluation import Evaluations
    from shared.monitoring.histories import Histories
    from shared.monitoring.monitoring import Monitoring
    from shared.monitoring.rebaselining import Rebaselining
    from shared.monitoring.standing import Standings
    from shared.monitoring.watching_capture import WatchingCapture
    from shared.registry.baselines import Baselines
    from shared.registry.store import Registry
    from shared.retraining.actuals import JoinedActuals
    from shared.retraining.deciding import Deciding
    from shared.retraining.decision import Decisions
    from shared.retraining.gathering import Gathering
    from shared.retraining.period_store import PeriodStore
    from shared.retraining.replaying import Replaying
    from shared.retraining.training import Training
    from shared.scoring.scorer import Scorer
    from shared.sealing.accounting.verifying import Verifying
    from shared.sealing.hours.generations import Generations
    from shared.sealing.hours.manifests import Manifests
    from shared.sealing.imports.importing import Importing
    from shared.sealing.sealing import Sealing

# Before anything imports numpy. The threads of its linear algebra wait for one another in a loop: matrices as small as ours
# gain nothing from them, and beside other work a look takes ten times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@cache
def settings() -> Settings:
    """Return the settings of this process.

    Raises:
        InvalidSettings: naming every variable that is missing or unreadable.
    """
    return Settings.from_env(os.environ)


def check_when_hosted() -> None:
    """Stop the start of a Functions host whose settings do not hold; without a host around us, do nothing.

    Raises:
        InvalidSettings: naming every variable that is missing or unreadable.
    """
    if os.environ.get("FUNCTIONS_WORKER_RUNTIME"):
        settings()


def clock() -> Clock:
    """Return the calendar."""
    return settings().clock


@cache
def telemetry() -> Telemetry:
    """Return the way to Application Insights, or to nowhere when none is set."""
    made = Telemetry.to(settings().applicationinsights_connection_string, clock=clock())
    # What waits when an instance is taken away would be lost otherwise.
    atexit.register(made.close, 2.0)
    return made


@cache
def blobs() -> "Blobs":
    """Return storage."""
    from shared.blobs import Blobs, service

    ours = settings()
    credential = _credential() if ours.storage.startswith("https://") else None
    return Blobs(service(ours.storage, credential=credential, timeout_s=ours.storage_timeout_s))


@cache
def hub() -> "Hub":
    """Return the event hub, to be asked about itself."""
    return _connect()


@cache
def registry() -> "Registry":
    """Return the registry."""
    from shared.registry.store import Registry

    return Registry(blobs(), clock())


@cache
def scoring() -> "Scorer":
    """Return what scores."""
    from shared.scoring.scorer import Limits, Scorer

    ours = settings()
    limits = Limits(
        body_bytes=ours.max_body_bytes,
        rows=ours.max_rows,
        depth=ours.max_depth,
        kept_or_refused=ours.capture_required,
    )
    return Scorer(registry(), keeper(), clock(), limits, telemetry(), privacy_key())


def privacy_key() -> bytes:
    """Return what features are hashed with, empty where no key is set."""
    return base64.b64decode(settings().privacy_key)


def keeper() -> "Publisher | CaptureOff":
    """Return what keeps records."""
    from shared.capture.publishing.publisher import CaptureOff

    return _publisher() if settings().capture else CaptureOff()


@cache
def receiving_actuals() -> "ReceivingActuals":
    """Return what takes actuals."""
    from shared.capture.actuals import ReceivingActuals
    from shared.capture.wanting import Wanting

    ours = settings()
    return ReceivingActuals(
        Wanting(registry()),
        keeper(),
        clock(),
        telemetry(),
        max_body_bytes=ours.max_body_bytes,
        max_depth=ours.max_depth,
        kept_or_refused=ours.capture_required,
    )


@cache
def capturing() -> "Capturing":
    """Return what keeps delivered batches."""
    from shared.capture.capturing import Capturing
    from shared.capture.cursor import Cursors
    from shared.capture.hour_log import HourLogs
    from shared.capture.reading_back import ReadingBack

    return Capturing(
        hub(), HourLogs(blobs()), Cursors(blobs(), clock()), registry(), telemetry(), ReadingBack(_consumer)
    )


@cache
def draining() -> "Draining":
    """Return what empties the spool."""
    from shared.capture.publishing.draining import Draining
    from shared.capture.publishing.spool import Spool

    return Draining(Spool(blobs()), _draining_lanes(), clock(), telemetry(), target=settings().events_hub)


@cache
def dead_letters() -> "DeadLetters":
    """Return what reads dead letters again."""
    from shared.capture.dead import DeadLetters

    return DeadLetters(blobs(), hub(), registry())


@cache
def sealing() -> "Sealing":
    """Return what seals hours."""
    from shared.actuals.outlived import OutlivedJoins
    from shared.capture.cursor import Cursors
    from shared.monitoring.outlived import NEWS_KEPT_DAYS, Outlived
    from shared.retraining.outlived import OutlivedDecisions
    from shared.sealing.days.rolling import Rolling
    from shared.sealing.retention import Later, Periods, Retention
    from shared.sealing.sealing import Sealing

    ours = settings()
    outlived, joins = Outlived(blobs()), OutlivedJoins(blobs())
    decisions = OutlivedDecisions(blobs(), _decisions())
    return Sealing(
        blobs(),
        hub(),
        Cursors(blobs(), clock()),
        _manifests(),
        _generations(),
        clock(),
        telemetry(),
        grace=timedelta(seconds=ours.seal_grace_s),
        logs_kept=timedelta(days=ours.logs_kept_days),
        rolling=Rolling(blobs(), _manifests(), telemetry()),
        retention=Retention(
            blobs(),
            _manifests(),
            clock(),
            telemetry(),
            Periods(logs=ours.logs_kept_days, hours=ours.hours_kept_days, dead=ours.dead_kept_days),
            later=(
                Later(ours.hours_kept_days, outlived.evaluations),
                Later(NEWS_KEPT_DAYS, outlived.news),
                Later(ours.hours_kept_days, joins.hours),
                Later(ours.logs_kept_days, joins.marks),
                Later(ours.hours_kept_days, decisions.challenges),
                Later(ours.hours_kept_days, decisions.training_sets),
                Later(NEWS_KEPT_DAYS, decisions.news),
            ),
        ),
    )


@cache
def joining() -> "Joining":
    """Return what joins actuals to predictions."""
    from shared.actuals.joining import Joining
    from shared.actuals.stepping import Stepping

    days = settings().actuals_stand_days
    return Joining(
        blobs(), Stepping(blobs(), _manifests(), registry(), clock(), telemetry(), standing_days=days), telemetry()
    )


@cache
def joins() -> "Joins":
    """Return what says what turned out."""
    from shared.actuals.reading import Joins

    return Joins(blobs(), _manifests())


@cache
def importing() -> "Importing":
    """Return what imports histories."""
    from shared.sealing.imports.importing import Importing

    kept = settings().hours_kept_days
    return Importing(blobs(), registry(), _manifests(), _generations(), clock(), privacy_key(), kept)


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


@cache
def baselines() -> "Baselines":
    """Return the baselines of all versions."""
    from shared.registry.baselines import Baselines

    return Baselines(blobs(), registry())


@cache
def monitoring() -> "Monitoring":
    """Return what evaluates versions."""
    from shared.alerts.store import Alerts
    from shared.monitoring.monitoring import Monitoring

    return Monitoring(
        blobs(),
        registry(),
        baselines(),
        _evaluating(),
        _histories(),
        _evaluations(),
        _standings(),
        Alerts(blobs(), _outbox()),
        telemetry(),
    )


@cache
def deciding() -> "Deciding":
    """Return what decides whether a retrain pays."""
    from shared.retraining.challenging import Challenging
    from shared.retraining.deciding import Deciding
    from shared.retraining.faults import Faults
    from shared.retraining.measuring import Measuring

    return Deciding(
        blobs(),
        registry(),
        _joined_actuals(),
        Measuring(_manifests(), _joined_actuals(), Challenging(blobs(), registry())),
        periods(),
        Faults(blobs(), _evaluations()),
        _decisions(),
        telemetry(),
    )


@cache
def replaying() -> "Replaying":
    """Return what replays periods through policies."""
    from shared.retraining.replaying import Replaying

    return Replaying(blobs(), registry(), periods())


@cache
def periods() -> "PeriodStore":
    """Return what the periods of models have cost."""
    from shared.retraining.period_store import PeriodStore

    return PeriodStore(blobs())


@cache
def backtest() -> "Backtest":
    """Return what replays stored hours."""
    from shared.monitoring.backtest import Backtest

    return Backtest(blobs(), registry(), baselines(), _standings(), _evaluating())


@cache
def rebaselining() -> "Rebaselining":
    """Return what makes baselines of sealed hours."""
    from shared.monitoring.rebaselining import Rebaselining

    return Rebaselining(blobs(), registry(), _manifests())


@cache
def watching_capture() -> "WatchingCapture":
    """Return what draws up the account on a timer."""
    from shared.alerts.store import Alerts
    from shared.monitoring.watching_capture import WatchingCapture

    return WatchingCapture(
        blobs(), verifying(), Alerts(blobs(), _outbox()), clock(), telemetry(), settings().capture_lag_s
    )


@cache
def delivering() -> "Delivering":
    """Return what posts alerts."""
    from shared.alerts.delivering import Delivering, poster
    from shared.alerts.outbox import webhook_digest

    ours = settings()
    return Delivering(
        _outbox(),
        {webhook_digest(url): url for url in ours.webhooks},
        ours.webhook_secret,
        poster(_webhook_session()),
        clock(),
        telemetry(),
    )


@cache
def gathering() -> "Gathering":
    """Return what draws training sets."""
    from shared.retraining.gathering import Gathering

    return Gathering(blobs(), registry(), _joined_actuals())


@cache
def training() -> "Training":
    """Return what makes versions of what trainers made."""
    from shared.retraining.training import Training

    return Training(blobs(), registry(), clock())


def posting() -> "Post":
    """Return what posts to webhooks, and to trainers."""
    from shared.alerts.delivering import poster

    return poster(_webhook_session())


def variables(names: Iterable[str]) -> dict[str, str]:
    """Return those variables of the environment that are set: what is passed on to somebody else's program."""
    return {name: os.environ[name] for name in names if name in os.environ}


@cache
def catalog() -> "Catalog":
    """Return what answers questions about models."""
    from shared.monitoring.catalog import Catalog

    return Catalog(registry(), _evaluations())


@cache
def health() -> "Health":
    """Return what asks every dependency."""
    from shared.health import Health

    def reported() -> dict[str, Any] | None:
        stats = telemetry().stats()
        return None if stats is None else asdict(stats)

    return Health({"storage": blobs().ping, "event_hubs": hub().incarnation}, reported)


async def close() -> None:
    """Send what waits and let go of every connection that was opened, at the end of a process that ends by itself."""
    if _publisher.cache_info().currsize:
        await _publisher().close()
    if _draining_lanes.cache_info().currsize:
        await _draining_lanes().close()
    if telemetry.cache_info().currsize:
        telemetry().close(2.0)
    if _webhook_session.cache_info().currsize:
        await _webhook_session().close()
    if hub.cache_info().currsize:
        await hub().close()
    if blobs.cache_info().currsize:
        await blobs().close()
    if _credential.cache_info().currsize:
        await _credential().close()


@cache
def _joined_actuals() -> "JoinedActuals":
    from shared.retraining.actuals import JoinedActuals

    return JoinedActuals(joins())


@cache
def _histories() -> "Histories":
    from shared.monitoring.histories import Histories

    return Histories(blobs(), baselines())


@cache
def _evaluating() -> "Evaluating":
    from shared.monitoring.evaluating import Evaluating
    from shared.monitoring.performing import Performing
    from shared.monitoring.refusals import Refusals
    from shared.monitoring.windows import Windows

    return Evaluating(Windows(blobs()), Refusals(blobs()), _histories(), Performing.of(blobs()))


@cache
def _standings() -> "Standings":
    from shared.monitoring.standing import Standings

    return Standings(blobs(), registry())


@cache
def _manifests() -> "Manifests":
    from shared.sealing.hours.manifests import Manifests

    return Manifests(blobs())


@cache
def _generations() -> "Generations":
    from shared.sealing.hours.doubles import Doubles
    from shared.sealing.hours.generations import Generations

    return Generations(blobs(), registry(), baselines(), Doubles(blobs()), telemetry())


@cache
def _evaluations() -> "Evaluations":
    from shared.monitoring.evaluation import Evaluations

    return Evaluations(blobs())


@cache
def _decisions() -> "Decisions":
    from shared.retraining.decision import Decisions

    return Decisions(blobs(), _outbox())


@cache
def _outbox() -> "Outbox":
    from shared.alerts.outbox import Outbox, webhook_digest

    return Outbox(blobs(), clock(), tuple(webhook_digest(url) for url in settings().webhooks))


@cache
def _webhook_session() -> "ClientSession":
    import aiohttp

    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=settings().webhook_timeout_s))


@cache
def _publisher() -> "Publisher":
    from shared.capture.publishing.lanes import Lanes
    from shared.capture.publishing.publisher import Publisher
    from shared.capture.publishing.sending import Sending
    from shared.capture.publishing.spool import Spool

    ours = settings()
    sending = Sending(
        Lanes(_connect),
        Spool(blobs()),
        telemetry(),
        clock(),
        timeout_s=ours.capture_timeout_s,
        target=ours.events_hub,
    )
    return Publisher(sending, one_in=ours.capture_one_in, waits=ours.capture_ack == "hub")


@cache
def _draining_lanes() -> "Lanes":
    from shared.capture.publishing.lanes import Lanes

    return Lanes(_connect)


def _connect() -> "Hub":
    from shared.capture.hub import Hub, producer

    ours = settings()
    client = producer(
        ours.events,
        namespace=ours.events_namespace,
        hub=ours.events_hub,
        credential=None if ours.events else _credential(),
    )
    return Hub(client)


def _consumer() -> "EventHubConsumerClient":
    from shared.capture.reading_back import consumer

    ours = settings()
    return consumer(
        ours.events,
        namespace=ours.events_namespace,
        hub=ours.events_hub,
        credential=None if ours.events else _credential(),
    )


@cache
def _credential() -> "DefaultAzureCredential":
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=settings().azure_client_id or None)
