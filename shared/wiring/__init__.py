"""The one place that reads the environment and builds clients; everything is built when it is first asked for.

Only ``functions``, ``manage.py``, ``infra/cli`` and ``infra/local`` import it. What is built lives as long as the process: connections
are opened once, and everything here runs on one event loop. Stages are imported where they are built, and for annotations
under ``TYPE_CHECKING`` alone: importing this package loads none of them.
"""

from shared.wiring.answering import catalog, health, receiving_actuals, scoring
from shared.wiring.clients import blobs, close, hub, keeper, posting, telemetry
from shared.wiring.dataset_building import asking, building, building_on, datasets, originals, planning
from shared.wiring.environment import check_when_hosted, clock, privacy_key, settings, variables
from shared.wiring.keeping import (
    accepting,
    capturing,
    dead_letters,
    draining,
    erasing,
    importing,
    joining,
    sealing,
    verifying,
)
from shared.wiring.retraining import deciding, periods, preparing, replaying, training
from shared.wiring.stores import baselines, joins, registry
from shared.wiring.watching import backtest, delivering, monitoring, rebaselining, watching_capture

__all__ = [
    "accepting",
    "asking",
    "backtest",
    "baselines",
    "blobs",
    "building",
    "building_on",
    "capturing",
    "catalog",
    "check_when_hosted",
    "clock",
    "close",
    "datasets",
    "dead_letters",
    "deciding",
    "delivering",
    "draining",
    "erasing",
    "health",
    "hub",
    "importing",
    "joining",
    "joins",
    "keeper",
    "monitoring",
    "originals",
    "periods",
    "planning",
    "posting",
    "preparing",
    "privacy_key",
    "rebaselining",
    "receiving_actuals",
    "registry",
    "replaying",
    "scoring",
    "sealing",
    "settings",
    "telemetry",
    "training",
    "variables",
    "verifying",
    "watching_capture",
]
