"""Datasets over HTTP: what can be asked for, how it stands, and what there is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from infra.local.system import System
from shared.blobs import Blobs, service
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import manifest_path
from shared.datasets.recipe import Recipe
from shared.datasets.requests import Request, State
from shared.documents import encode
from shared.registry.manifest import Task
from tests.integration.http.conftest import Call
from tests.integration.http.test_score import refused
from tests.integration.models import registered

DATASETS = "/api/models/flights/datasets"
DATASET = "5eed" * 16
AT = datetime(2026, 3, 9, tzinfo=UTC)
RECIPE = Recipe(model="flights", versions=("1",), start="2026-03-01T00", end="2026-03-09T00", as_of=AT)


@pytest.fixture
async def blobs(system: System) -> AsyncIterator[Blobs]:
    made = Blobs(service(system.settings["STORAGE"]))
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("model", "body", "status", "code", "reason"),
    [
        ("trains", {}, 404, "unknown_model", "trains"),
        ("Flights", {}, 404, "unknown_model", "Flights"),
        ("flights", b"", 400, "unreadable_request", "not JSON"),
        ("flights", [], 400, "unreadable_request", "an object"),
        ("flights", b'{"start": "a", "start": "b"}', 400, "unreadable_request", "stands twice"),
        ("flights", b" " * (4 * 1024 * 1024 + 1), 413, "request_too_large", "4194304"),
        ("flights", {"model": "trains"}, 422, "invalid_recipe", "model is another one than 'flights'"),
        ("flights", {"splits": {}}, 422, "invalid_recipe", "splits"),
        (
            "flights",
            {"accept": ["overlaps"]},
            422,
            "invalid_recipe",
            "no check that can be accepted, as missing_actuals, ",
        ),
        ("flights", {"accept": ["schema"]}, 422, "invalid_recipe", "schema cannot be accepted"),
        ("flights", {"split": {"test": 2}}, 422, "invalid_recipe", "`$.split.test`"),
        ("flights", {"start": "2026-03-02T00", "end": "2026-03-01T00"}, 422, "invalid_recipe", "end is not after"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused_with_the_reason(
    call: Call, model: str, body: object, status: int, code: str, reason: str
) -> None:
    answered = refused(await call("POST", f"/api/models/{model}/datasets", body), status)

    assert answered["code"] == code
    assert reason in answered["detail"]


async def test_a_request_is_shown_as_it_stands(call: Call, blobs: Blobs) -> None:
    request = Request.of(RECIPE, at=AT)
    # What waits is worked on by a timer.
    ended = msgspec.structs.replace(request, state=State.REFUSED, done=2, steps=12, reason="gate tells the actual")
    await blobs.create(request.path, encode(ended))

    answered = await call("GET", f"{DATASETS}/{request.id}")

    assert answered.status == 200
    assert msgspec.convert(answered.body, Request) == ended
    assert (answered.body["state"], answered.body["done"], answered.body["steps"]) == ("refused", 2, 12)


async def test_datasets_are_listed_and_shown_by_a_beginning_of_their_name(call: Call, blobs: Blobs) -> None:
    made = DatasetManifest(
        model="flights",
        dataset=DATASET,
        build="b" * 64,
        recipe=RECIPE,
        task=Task.REGRESSION,
        schema=registered("flights", "1").manifest.schema,
        actual="delay",
        inputs=(),
        rows_in=9,
        excluded={"canary": 1},
        not_predictions={"failure": 1},
        rows={"train": 6, "test": 2},
        columns=(),
        checks=(),
        parts=(),
        engine={"duckdb": "2"},
        built_at=AT,
    )
    await blobs.create(manifest_path("flights", DATASET), encode(made))

    listed = (await call("GET", DATASETS)).body
    shown = await call("GET", f"{DATASETS}/{DATASET[:8]}")

    assert (listed["model"], [one["dataset"] for one in listed["datasets"]]) == ("flights", [DATASET])
    assert (shown.status, msgspec.convert(shown.body, DatasetManifest)) == (200, made)


async def test_a_model_without_datasets_has_an_empty_list(call: Call) -> None:
    assert (await call("GET", "/api/models/strict/datasets")).body == {"model": "strict", "datasets": []}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/models/trains/datasets", "unknown_model"),
        ("/api/models/trains/datasets/abcdef", "unknown_model"),
        ("/api/models/strict/datasets/abcdef", "unknown_dataset"),
        (f"{DATASETS}/{'0' * 32}", "unknown_dataset"),
        (f"{DATASETS}/..%5c..%5cplan", "unknown_dataset"),
        (f"{DATASETS}/..%2f..%2fplan", "unknown_dataset"),
    ],
)
async def test_what_there_is_not_is_a_404(call: Call, path: str, code: str) -> None:
    assert refused(await call("GET", path), 404)["code"] == code


async def test_without_a_key_nothing_is_asked_for_nor_shown(call: Call) -> None:
    anonymous: dict[str, Any] = {"headers": {"x-functions-key": ""}}

    assert (await call("POST", DATASETS, {}, **anonymous)).status == 401
    assert (await call("GET", DATASETS, **anonymous)).status == 401
    assert (await call("GET", f"{DATASETS}/{DATASET}", **anonymous)).status == 401
