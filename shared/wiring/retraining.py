"""What decides whether a retrain pays, and makes versions of what trainers made."""

from functools import cache
from typing import TYPE_CHECKING

from shared.wiring.clients import blobs, telemetry
from shared.wiring.environment import clock
from shared.wiring.stores import decisions, evaluations, joins, manifests, registry

if TYPE_CHECKING:
    from shared.retraining.actuals import JoinedActuals
    from shared.retraining.deciding import Deciding
    from shared.retraining.period_store import PeriodStore
    from shared.retraining.preparing import Preparing
    from shared.retraining.replaying import Replaying
    from shared.retraining.training import Training


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
        Measuring(manifests(), _joined_actuals(), Challenging(blobs(), registry())),
        periods(),
        Faults(blobs(), evaluations()),
        decisions(),
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
def preparing() -> "Preparing":
    """Return what says what there is to learn from."""
    from shared.retraining.preparing import Preparing

    return Preparing(blobs(), registry(), _joined_actuals(), decisions())


@cache
def training() -> "Training":
    """Return what makes versions of what trainers made."""
    from shared.retraining.training import Training

    return Training(blobs(), registry(), clock())


@cache
def _joined_actuals() -> "JoinedActuals":
    from shared.retraining.actuals import JoinedActuals

    return JoinedActuals(joins())
