"""HTTP -> models, versions, evaluations."""

import azure.functions as func
import msgspec

from functions.http import answer
from shared import wiring
from shared.ids import NONE

bp = func.Blueprint()


@bp.route(route="api/models", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def models(req: func.HttpRequest) -> func.HttpResponse:
    """List every model."""

    async def work(_: str) -> msgspec.Struct:
        return await wiring.catalog().models()

    return await answer(req, work)


@bp.route(route="api/models/{model}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def model(req: func.HttpRequest) -> func.HttpResponse:
    """Show one model."""

    async def work(_: str) -> msgspec.Struct:
        return await wiring.catalog().model(req.route_params.get("model", NONE))

    return await answer(req, work)


@bp.route(route="api/models/{model}/versions/{version}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def version(req: func.HttpRequest) -> func.HttpResponse:
    """Show one version."""

    async def work(_: str) -> msgspec.Struct:
        named = req.route_params
        return await wiring.catalog().version(named.get("model", NONE), named.get("version", NONE))

    return await answer(req, work)


@bp.route(route="api/models/{model}/evaluation", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def evaluation(req: func.HttpRequest) -> func.HttpResponse:
    """Show a model's newest evaluation."""

    async def work(_: str) -> msgspec.Struct:
        return await wiring.catalog().evaluation(req.route_params.get("model", NONE))

    return await answer(req, work)
