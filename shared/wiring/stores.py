"""What more than one stage reads in storage."""

from functools import cache
from typing import TYPE_CHECKING

from shared.wiring.clients import blobs
from shared.wiring.environment import clock, settings

if TYPE_CHECKING:
    from shared.actuals.reading import Joins
    from shared.alerts.outbox import Outbox
    from shared.monitoring.evaluation import Evaluations
    from shared.registry.baselines import Baselines
    from shared.registry.store import Registry
    from shared.retraining.decision import Decisions
    from shared.sealing.hours.manifests import Manifests


@cache
def registry() -> "Registry":
    """Return the registry."""
    from shared.registry.store import Registry

    return Registry(blobs(), clock())


@cache
def baselines() -> "Baselines":
    """Return the baselines of all versions."""
    from shared.registry.baselines import Baselines

    return Baselines(blobs(), registry())


@cache
def manifests() -> "Manifests":
    """Return what is known of sealed hours."""
    from shared.sealing.hours.manifests import Manifests

    return Manifests(blobs())


@cache
def joins() -> "Joins":
    """Return what says what turned out."""
    from shared.actuals.reading import Joins

    return Joins(blobs(), manifests())


@cache
def evaluations() -> "Evaluations":
    """Return the evaluations of all versions."""
    from shared.monitoring.evaluation import Evaluations

    return Evaluations(blobs())


@cache
def decisions() -> "Decisions":
    """Return the decisions about all models."""
    from shared.retraining.decision import Decisions

    return Decisions(blobs(), outbox())


@cache
def outbox() -> "Outbox":
    """Return the news that wait to be posted."""
    from shared.alerts.outbox import Outbox, webhook_digest

    return Outbox(blobs(), clock(), tuple(webhook_digest(url) for url in settings().webhooks))
