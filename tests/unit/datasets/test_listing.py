"""Which datasets there are, and which one is meant."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.datasets.listing import Datasets
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import build_folder, manifest_path, request_path
from shared.datasets.recipe import Recipe
from shared.documents import encode
from shared.errors import DatasetErased, UnknownDataset, UnknownModel
from shared.registry.manifest import Task
from tests.integration.models import registered
from tests.unit.datasets.asked import World

OLD = "abcdef12" + "0" * 56
NEW = "abcdef34" + "0" * 56
OTHER = "7" * 64


def manifest(dataset: str, *, day: int, **more: Any) -> DatasetManifest:  # noqa: ANN401 - of a manifest
    """Return the manifest of a dataset that was built on a day."""
    return DatasetManifest(
        **{
            "model": "flights",
            "dataset": dataset,
            "build": "b" * 64,
            "recipe": Recipe(model="flights", versions=("1",), start="2026-03-01T00", end="2026-03-02T00"),
            "task": Task.REGRESSION,
            "schema": registered("flights", "1").manifest.schema,
            "actual": "delay",
            "inputs": (),
            "rows_in": 9,
            "excluded": {"canary": 1},
            "not_predictions": {},
            "rows": {"train": 6, "test": 2},
            "columns": (),
            "checks": (),
            "parts": (),
            "engine": {},
            "built_at": datetime(2026, 3, day, tzinfo=UTC),
            **more,
        }
    )


@pytest.fixture
async def world() -> World:
    made = World()
    await made.register()
    for one in (
        manifest(NEW, day=9),
        manifest(OLD, day=5),
        manifest(OTHER, day=7, state="erased", erased_at=datetime(2026, 4, 1, tzinfo=UTC)),
    ):
        made.memory.put(manifest_path("flights", one.dataset), encode(one))
    return made


def datasets(world: World) -> Datasets:
    """Return what finds datasets, as a new process does."""
    return Datasets(world.blobs, world.registry, world.requests)


async def test_datasets_are_listed_with_the_newest_first_and_erased_ones_say_so(world: World) -> None:
    world.memory.put(f"{build_folder('flights', 'b' * 64)}plan.json", b"{}")

    listed = await datasets(world).of("flights")

    assert [(one.dataset, one.state) for one in listed.datasets] == [(NEW, "ready"), (OTHER, "erased"), (OLD, "ready")]
    assert (listed.model, listed.datasets[0].rows) == ("flights", {"train": 6, "test": 2})
    assert (listed.datasets[0].versions, listed.datasets[0].start, listed.datasets[0].end) == (
        ("1",),
        "2026-03-01T00",
        "2026-03-02T00",
    )
    assert [one.erased_at is None for one in listed.datasets] == [True, False, True]


async def test_a_folder_without_a_manifest_is_no_dataset(world: World) -> None:
    """It is being written, or whoever wrote it was killed."""
    world.memory.put(f"datasets/flights/{'5' * 64}/train/part-00000.parquet", b"")
    world.memory.put("datasets/flights/_originals/manifest.json", b"{}")

    assert len((await datasets(world).of("flights")).datasets) == 3
    with pytest.raises(UnknownDataset):
        await datasets(world).find("flights", "555555")


@pytest.mark.parametrize(("name", "dataset"), [(NEW, NEW), ("abcdef3", NEW), ("abcdef1", OLD), ("777777", OTHER)])
async def test_a_beginning_that_no_other_has_is_enough(world: World, name: str, dataset: str) -> None:
    assert (await datasets(world).find("flights", name)).dataset == dataset


@pytest.mark.parametrize(
    ("name", "reason", "named"),
    [
        ("abcdef", "begins several datasets", (NEW[:12], OLD[:12])),
        ("abcde", "is too short (6 digits at least)", (NEW[:12], OTHER[:12], OLD[:12])),
        ("999999", "is none of its datasets", (NEW[:12], OTHER[:12], OLD[:12])),
        ("", "is too short", (NEW[:12], OTHER[:12], OLD[:12])),
        (NEW.upper(), "is none of its datasets", (NEW[:12], OTHER[:12], OLD[:12])),
    ],
)
async def test_what_means_none_or_several_is_told_with_what_there_is(
    world: World, name: str, reason: str, named: tuple[str, ...]
) -> None:
    with pytest.raises(UnknownDataset) as caught:
        await datasets(world).find("flights", name)

    assert reason in str(caught.value)
    assert caught.value.known == named


async def test_names_are_told_as_long_as_they_must_be_and_only_a_few(world: World) -> None:
    alike = [f"abcdef34000000000000{digit}" + "0" * 43 for digit in range(1, 8)]
    for day, one in enumerate(alike):
        world.memory.put(manifest_path("flights", one), encode(manifest(one, day=10 + day)))

    with pytest.raises(UnknownDataset) as caught:
        await datasets(world).find("flights", "abcdef34")

    assert caught.value.known == tuple(one[:21] for one in alike[:1:-1])


async def test_of_a_model_without_datasets_nothing_is_named() -> None:
    world = World()
    await world.register()

    with pytest.raises(UnknownDataset, match=r"^'abcdef' of flights is not there: it has no datasets$"):
        await datasets(world).find("flights", "abcdef")


async def test_of_an_erased_dataset_only_the_manifest_is_left(world: World) -> None:
    """Whoever would train on it has to be told, and not find an empty folder."""
    assert (await datasets(world).with_rows("flights", "abcdef3")).dataset == NEW
    assert (await datasets(world).find("flights", OTHER)).state == "erased"
    with pytest.raises(DatasetErased, match="2026-04-01"):
        await datasets(world).with_rows("flights", OTHER)


async def test_a_request_and_a_dataset_are_shown_by_their_names(world: World) -> None:
    name = await world.ask(1)

    assert (await datasets(world).show("flights", name)).id == name  # type: ignore[union-attr]
    assert isinstance(await datasets(world).show("flights", NEW[:32]), DatasetManifest)
    with pytest.raises(UnknownDataset):
        await datasets(world).show("flights", f"../model=flights/{name}")
    world.memory.put(request_path("flights", "copy"), (await world.blobs.read(request_path("flights", name))).data)
    with pytest.raises(UnknownDataset):
        await datasets(world).show("flights", "copy")


async def test_nothing_is_looked_for_of_a_model_that_is_not_registered(world: World) -> None:
    world.memory.put(
        manifest_path("trains", NEW), encode(msgspec.structs.replace(manifest(NEW, day=1), model="trains"))
    )

    for asked in (
        datasets(world).of("trains"),
        datasets(world).find("trains", NEW),
        datasets(world).show("trains", NEW),
    ):
        with pytest.raises(UnknownModel):
            await asked


async def test_one_is_found_without_its_model_unless_several_models_have_such(world: World) -> None:
    made = registered("trains", "1")
    await world.registry.register(made.manifest, files=made.files)
    found = datasets(world)

    assert (await found.find_anywhere("abcdef3")).dataset == NEW
    world.memory.put(manifest_path("trains", NEW), encode(manifest(NEW, day=9, model="trains")))

    with pytest.raises(UnknownDataset, match=f"begins several datasets: {NEW[:12]} of flights, {NEW[:12]} of trains"):
        await found.find_anywhere("abcdef3")
    with pytest.raises(UnknownDataset, match="'999999' of flights, trains is none of its datasets"):
        await found.find_anywhere("999999")
    with pytest.raises(UnknownDataset, match="too short"):
        await found.find_anywhere("abcde")
