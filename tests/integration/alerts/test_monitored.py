"""Alerts of a version that is monitored: what a look says besides its judgements."""

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.monitoring.evaluation import Evaluation
from tests.integration.monitoring.conftest import FAR, USUAL, Watched, watched
from tests.integration.sealing.conftest import calendar, quiet_hub, stages
from tests.integration.sealing.verified import path_of
from tests.integration.stored import everything

__all__ = ["calendar", "quiet_hub", "stages", "watched"]


async def alert_of(watched: Watched, signal: str) -> Alert:
    blobs = watched.stages.blobs
    path = await path_of(blobs, f"monitoring/alerts/model=flights/version=1/signal={signal}/")
    return (await documents.read(blobs, path, Alert))[0]


async def test_an_alert_records_the_configuration_of_its_evaluation(watched: Watched) -> None:
    for hour in range(2):
        await watched.hour(hour, FAR)
    await watched.monitoring().evaluate_all()

    alert = await alert_of(watched, "drift")

    evaluation, _ = await documents.read(watched.stages.blobs, alert.evaluation, Evaluation)
    assert alert.config == evaluation.config
    assert alert.comparisons == ("distance: ks",)


async def test_an_alert_of_a_version_that_nobody_asks_any_more_resolves(watched: Watched) -> None:
    """Windows without rows are unknown, one like the other."""
    for hour in range(2):
        await watched.hour(hour, FAR)
    states = []
    for hour in range(2, 6):
        await watched.seal_up_to(hour)
        await watched.monitoring().evaluate_all()
        states.append((await alert_of(watched, "drift")).state)

    assert states == ["open", "open", "open", "resolved"], "a whole window after the last one that breached"
    assert "nobody asks" in str((await alert_of(watched, "drift")).resolution)


async def test_an_alert_of_a_version_that_is_retired_resolves_with_the_next_look(watched: Watched) -> None:
    """And it is told once, however often it is looked at."""
    for hour in range(2):
        await watched.hour(hour, FAR)
    await watched.monitoring().evaluate_all()
    opened = await alert_of(watched, "drift")

    aliases = await watched.stages.registry().retire("flights", "1")
    evaluations = [await watched.monitoring().evaluate_all() for _ in range(2)]

    resolved = await alert_of(watched, "drift")
    assert (opened.state, resolved.state) == ("open", "resolved")
    assert resolved.resolution == "the version was retired: it is not judged any more"
    assert resolved.resolved_at == aliases.retired["1"]
    assert evaluations == [[], []]
    waiting = await everything(watched.stages.blobs, "monitoring/outbox/")
    assert sum(f"{resolved.id}-" in path and "resolved" in path for path in waiting) == 1


async def test_an_alert_of_segments_that_are_watched_no_longer_resolves(watched: Watched) -> None:
    monitoring = watched.monitoring()
    await monitoring.configure("flights", b"segments: [carrier]\nlookback_window_size: PT2H")
    for hour in range(2):
        await watched.hour(hour, FAR)
    await monitoring.evaluate_all()
    opened = await alert_of(watched, "segment_drift")

    await monitoring.configure("flights", b"lookback_window_size: PT2H")
    for hour in range(2, 4):
        await watched.hour(hour, USUAL)
        await monitoring.evaluate_all()

    assert opened.state == "open"
    assert "not judged any more" in str((await alert_of(watched, "segment_drift")).resolution)
    assert len(await everything(watched.stages.blobs, "monitoring/newest_alerts/")) == 3
