"""HTTP -> predictions."""

import azure.functions as func
import msgspec

from functions.http import answer
from shared import wiring
from shared.ids import NONE

bp = func.Blueprint()


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answers of one request: every list has one entry a row.

    ``predictions`` are the answers; ``outputs`` holds what else the model says, by name. ``capture`` says how the
    worst of the rows was kept.
    """

    request_id: str
    model: str
    version: str
    predictions: list[float | int | bool | str | None]
    outputs: dict[str, list[float | int | bool | str | None]] = {}
    ids: list[str]
    capture: str


@bp.route(route="api/models/{model}/score", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def score(req: func.HttpRequest) -> func.HttpResponse:
    """Score rows with the champion."""
    return await _score(req, None)


@bp.route(route="api/models/{model}/versions/{version}/score", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def score_version(req: func.HttpRequest) -> func.HttpResponse:
    """Score rows with one version."""
    return await _score(req, req.route_params.get("version", NONE))


async def _score(req: func.HttpRequest, version: str | None) -> func.HttpResponse:
    async def work(request_id: str) -> Answer:
        model = req.route_params.get("model", NONE)
        scored = await wiring.scoring().score(model, version, req.get_body(), request_id=request_id)
        first, *others = scored.outputs[0]
        return Answer(
            request_id=scored.request_id,
            model=scored.model,
            version=scored.version,
            predictions=[row[first] for row in scored.outputs],
            outputs={name: [row[name] for row in scored.outputs] for name in others},
            ids=scored.ids,
            capture=scored.capture,
        )

    return await answer(req, work)
