"""What compares hours with baselines, and tells of what it finds."""

from functools import cache
from typing import TYPE_CHECKING

from shared.wiring.clients import blobs, posting, telemetry
from shared.wiring.environment import clock, settings
from shared.wiring.keeping import verifying
from shared.wiring.stores import baselines, evaluations, manifests, outbox, registry

if TYPE_CHECKING:
    from shared.alerts.delivering import Delivering
    from shared.monitoring.backtest import Backtest
    from shared.monitoring.evaluating import Evaluating
    from shared.monitoring.histories import Histories
    from shared.monitoring.monitoring import Monitoring
    from shared.monitoring.rebaselining import Rebaselining
    from shared.monitoring.standing import Standings
    from shared.monitoring.watching_capture import WatchingCapture


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
        evaluations(),
        _standings(),
        Alerts(blobs(), outbox()),
        telemetry(),
    )


@cache
def backtest() -> "Backtest":
    """Return what replays stored hours."""
    from shared.monitoring.backtest import Backtest

    return Backtest(blobs(), registry(), baselines(), _standings(), _evaluating())


@cache
def rebaselining() -> "Rebaselining":
    """Return what makes baselines of sealed hours."""
    from shared.monitoring.rebaselining import Rebaselining

    return Rebaselining(blobs(), registry(), manifests())


@cache
def watching_capture() -> "WatchingCapture":
    """Return what draws up the account on a timer."""
    from shared.alerts.store import Alerts
    from shared.monitoring.watching_capture import WatchingCapture

    return WatchingCapture(
        blobs(), verifying(), Alerts(blobs(), outbox()), clock(), telemetry(), settings().capture_lag_s
    )


@cache
def delivering() -> "Delivering":
    """Return what posts alerts."""
    from shared.alerts.delivering import Delivering
    from shared.alerts.outbox import webhook_digest

    ours = settings()
    return Delivering(
        outbox(),
        {webhook_digest(url): url for url in ours.webhooks},
        ours.webhook_secret,
        posting(),
        clock(),
        telemetry(),
    )


@cache
def _evaluating() -> "Evaluating":
    from shared.monitoring.evaluating import Evaluating
    from shared.monitoring.performing import Performing
    from shared.monitoring.refusals import Refusals
    from shared.monitoring.windows import Windows

    return Evaluating(Windows(blobs()), Refusals(blobs()), _histories(), Performing.of(blobs()))


@cache
def _histories() -> "Histories":
    from shared.monitoring.histories import Histories

    return Histories(blobs(), baselines())


@cache
def _standings() -> "Standings":
    from shared.monitoring.standing import Standings

    return Standings(blobs(), registry())
