"""Alerts of a version that is monitored: what a look says besides its judgements."""

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.monitoring.evaluation import Evaluation
from tests.integration.monitoring.conftest import FAR, Watched, watched
from tests.integration.sealing.conftest import calendar, quiet_hub, stages
from tests.integration.sealing.verified import path_of

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
