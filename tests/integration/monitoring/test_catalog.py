"""What is answered about models and versions."""

import msgspec
import pytest

from shared.errors import NoEvaluation, UnknownModel
from shared.monitoring.catalog import Catalog
from shared.monitoring.evaluation import Evaluations
from tests.integration.monitoring.conftest import ROWS, USUAL, Watched, register


async def test_the_catalog_shows_models_versions_and_what_answers(watched: Watched) -> None:
    await register(watched.stages, "flights", "2")
    await register(watched.stages, "airports", "1")
    await watched.stages.registry().promote("flights", "2", alias="champion")
    registry = watched.stages.registry()
    catalog = Catalog(registry, Evaluations(watched.stages.blobs))

    found = await catalog.models()

    assert [(one.model, one.versions, one.aliases) for one in found.models] == [
        ("airports", ("1",), {}),
        ("flights", ("1", "2"), {"champion": "2"}),
    ]
    shown = msgspec.structs.asdict(await catalog.version("flights", "1"))
    assert shown == msgspec.structs.asdict(await registry.manifest("flights", "1")) | {"retired_at": None}
    with pytest.raises(UnknownModel):
        await catalog.model("flihgts")
    with pytest.raises(UnknownModel):
        await catalog.version("flights", "3")


async def test_the_catalog_shows_challengers_and_what_is_retired(watched: Watched) -> None:
    for version in ("2", "3"):
        await register(watched.stages, "flights", version)
    registry = watched.stages.registry()
    for version in ("3", "1"):
        await registry.promote("flights", version, alias="challenger")
    at = (await registry.retire("flights", "2")).retired["2"]
    catalog = Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs))

    flights = await catalog.model("flights")

    assert (flights.versions, flights.aliases, flights.challengers) == (("1", "2", "3"), {}, ("3", "1"))
    assert flights.retired_at == {"2": at}
    assert [(await catalog.version("flights", one)).retired_at for one in ("1", "2")] == [None, at]


async def test_the_catalog_shows_the_newest_evaluation_of_what_answers(watched: Watched) -> None:
    """Of the champion; where nobody was promoted, of the last version registered that is in use."""
    await register(watched.stages, "flights", "2")
    catalog = Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs))
    with pytest.raises(NoEvaluation):
        await catalog.evaluation("flights")
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL[:200], version="2")
    await watched.seal_up_to(2)
    await watched.monitoring().evaluate_all()

    before = await catalog.evaluation("flights")
    await watched.stages.registry().retire("flights", "2")
    retired = await Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs)).evaluation("flights")
    await watched.stages.registry().promote("flights", "1", alias="champion")
    after = await Catalog(watched.stages.registry(), Evaluations(watched.stages.blobs)).evaluation("flights")

    assert (before.version, before.rows) == ("2", 400)
    assert retired.version == "1"
    assert (after.version, after.rows) == ("1", 2 * ROWS)
    with pytest.raises(UnknownModel):
        await catalog.evaluation("flihgts")
