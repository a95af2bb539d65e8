"""What answers requests: with scores, with what became of actuals, about models, about health."""

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.wiring.clients import blobs, hub, keeper, telemetry
from shared.wiring.environment import clock, privacy_key, settings
from shared.wiring.stores import evaluations, registry

if TYPE_CHECKING:
    from shared.capture.actuals import ReceivingActuals
    from shared.health import Health
    from shared.monitoring.catalog import Catalog
    from shared.scoring.scorer import Scorer


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
def catalog() -> "Catalog":
    """Return what answers questions about models."""
    from shared.monitoring.catalog import Catalog

    return Catalog(registry(), evaluations())


@cache
def health() -> "Health":
    """Return what asks every dependency."""
    from shared.health import Health

    def reported() -> dict[str, Any] | None:
        stats = telemetry().stats()
        return None if stats is None else asdict(stats)

    return Health({"storage": blobs().ping, "event_hubs": hub().incarnation}, reported)
