"""How a model is to be watched: what holds is stored, and what does not changes nothing."""

import pytest

from shared.errors import InvalidDocument, UnknownModel
from shared.schema import Drop
from tests.integration.models import registered
from tests.integration.monitoring.conftest import WINDOW, Watched


async def test_a_configuration_that_does_not_hold_changes_nothing(watched: Watched) -> None:
    monitoring = watched.monitoring()
    with pytest.raises(InvalidDocument, match="lookback_window_size"):
        await monitoring.configure("flights", b"lookback_window_size: PT1M")
    with pytest.raises(UnknownModel):
        await monitoring.configure("flihgts", WINDOW)

    assert (await watched.stages.blobs.read("models/flights/monitor.yaml")).data == WINDOW
    assert not [one async for one in watched.stages.blobs.under("models/flihgts/")]


@pytest.mark.parametrize(
    ("key", "name"),
    [("segments", "distance"), ("segments", "nothing"), ("features", "distence"), ("features", "delay")],
)
async def test_a_feature_that_no_version_has_is_refused_by_its_name(watched: Watched, key: str, name: str) -> None:
    """Passed over, a misspelt one would switch its signal off, and nobody would hear of it."""
    written = f"{WINDOW.decode()}{key}:\n  - carrier\n  - {name}\n"
    with pytest.raises(
        InvalidDocument, match=rf"line 4: '{name}' is no captured .* of any version - at `\$.{key}\[1\]`"
    ):
        await watched.monitoring().configure("flights", written.encode())

    assert (await watched.stages.blobs.read("models/flights/monitor.yaml")).data == WINDOW


async def test_a_feature_of_any_version_may_be_named(watched: Watched) -> None:
    """The version that has it may come before the one that has not, or after; what is dropped is nothing to be judged."""
    private = registered("flights", "2", privacy=(("distance", Drop()),))
    await watched.stages.registry().register(private.manifest, files=private.files)
    only = registered("private", "1", privacy=(("distance", Drop()),))
    await watched.stages.registry().register(only.manifest, files=only.files)

    config = await watched.monitoring().configure("flights", b"features: [carrier, distance]")

    assert config.features == ("carrier", "distance")
    with pytest.raises(InvalidDocument, match="line 1: 'distance' is no captured feature"):
        await watched.monitoring().configure("private", b"features: [carrier, distance]")


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
async def test_a_metric_that_no_version_has_is_refused_by_line_and_key(watched: Watched, metric: str) -> None:
    """The model answers with a number, which is neither right nor wrong."""
    config = f"features: [distance]\nperformance: {{metric: {metric}}}\n".encode()

    with pytest.raises(
        InvalidDocument, match=f"line 2: no version has '{metric}': there is mae, quantile_loss, r2, rmse - at"
    ):
        await watched.monitoring().configure("flights", config)
