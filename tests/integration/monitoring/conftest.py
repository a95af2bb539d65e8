"""Sealed hours of a registered version, and what looks at them."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.alerts.outbox import Outbox
from shared.alerts.store import Alerts
from shared.blobs import Blobs
from shared.hours import Hour
from shared.monitoring.evaluating import Evaluating
from shared.monitoring.evaluation import Evaluations
from shared.monitoring.histories import Histories
from shared.monitoring.monitoring import Monitoring
from shared.monitoring.performing import Performing
from shared.monitoring.refusals import Refusals
from shared.monitoring.standing import Standing, Standings
from shared.monitoring.windows import Windows
from shared.registry.baselines import Baselines
from shared.scoring.privacy import Masks
from shared.telemetry import Telemetry
from tests.integration.models import ANSWERS, CARRIERS, answer, registered
from tests.integration.sealing.batches import event, prediction
from tests.integration.sealing.conftest import NINE, Stages, calendar, quiet_hub, stages

__all__ = ["calendar", "quiet_hub", "stages"]

FIRST = Hour.containing(NINE)
WINDOW = b"lookback_window_size: PT2H\n"
ALONE = Standing(versions=1, is_champion=False)
ROWS = 600
"""Rows an hour: a window of two hours has more than are needed to say that all is well."""


NOTHING_PRIVATE = Masks(registered("flights", "1").manifest.schema, model="flights", key=b"")


class Watched:
    """A model that scores hour after hour, from nine o'clock on, and is looked at."""

    def __init__(self, stages: Stages) -> None:
        self.stages = stages
        self._capturing = stages.capturing()
        self._sealing = stages.sealing()
        self.sequence = 0

    def monitoring(self, blobs: Blobs | None = None) -> Monitoring:
        """Return what looks, as a new process does."""
        ours = blobs or self.stages.blobs
        registry = self.stages.registry(ours)
        histories = Histories(ours, Baselines(ours, registry))
        return Monitoring(
            ours,
            registry,
            Baselines(ours, registry),
            Evaluating(Windows(ours), Refusals(ours), histories, Performing.of(ours)),
            histories,
            Evaluations(ours),
            Standings(ours, registry),
            Alerts(ours, Outbox(ours, self.stages.calendar, ("a" * 16,))),
            Telemetry.to("", clock=self.stages.calendar),
        )

    async def capture(
        self,
        hour: int,
        distances: Sequence[float],
        *,
        model: str = "flights",
        version: str = "1",
        masks: Masks = NOTHING_PRIVATE,
        carrier: str | None = None,
    ) -> None:
        """Keep predictions of one hour, of one ``carrier`` or of all that are known."""
        at = NINE + timedelta(hours=hour, minutes=30)
        inputs = masks.rows(
            [[distance, carrier or CARRIERS[row % len(CARRIERS)]] for row, distance in enumerate(distances)]
        )
        records = [
            prediction(
                at,
                inputs=dict(zip(masks.names, own, strict=True)),
                model=model,
                version=version,
                outputs={"prediction": answer(distance, version=version)},
            )
            for own, distance in zip(inputs, distances, strict=True)
        ]
        await self._capturing.append([event(*records, sequence=self.sequence, at=at)])
        self.sequence += 1

    async def seal_up_to(self, hour: int) -> None:
        """Seal what was captured before an hour."""
        self.stages.calendar.set(NINE + timedelta(hours=hour, minutes=20))
        await self._sealing.seal()

    async def hour(self, hour: int, distances: Sequence[float]) -> None:
        """Keep an hour's predictions, and seal it."""
        await self.capture(hour, distances)
        await self.seal_up_to(hour + 1)


USUAL = [float(row * 7 % ANSWERS) for row in range(ROWS)]
"""As in the training data."""
FAR = [80.0 + row % 20 for row in range(ROWS)]


async def register(stages: Stages, model: str, version: str) -> None:
    made = registered(model, version)
    await stages.registry().register(made.manifest, files=made.files)


@pytest.fixture
async def watched(stages: Stages) -> Watched:
    made = Watched(stages)
    await made.monitoring().configure("flights", WINDOW)
    return made
