"""HTTP -> requests for datasets, and what there is of them; timer -> datasets."""

import azure.functions as func
import msgspec

from functions.http import Accepted, answer
from shared import wiring
from shared.ids import NONE

bp = func.Blueprint()


@bp.route(route="api/models/{model}/datasets", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def ask_for_dataset(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for a dataset of a model: 202, and where to ask how far it has come.

    The body is a recipe in JSON, in which ``accept`` may name checks that may fail.
    """

    async def work(_: str) -> Accepted:
        request = await wiring.asking().receive(req.route_params.get("model", NONE), req.get_body())
        return Accepted(request, location=f"/api/models/{request.model}/datasets/{request.id}")

    return await answer(req, work)


@bp.route(route="api/models/{model}/datasets", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def datasets(req: func.HttpRequest) -> func.HttpResponse:
    """List the datasets of a model."""

    async def work(_: str) -> msgspec.Struct:
        return await wiring.datasets().of(req.route_params.get("model", NONE))

    return await answer(req, work)


@bp.route(route="api/models/{model}/datasets/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def dataset(req: func.HttpRequest) -> func.HttpResponse:
    """Show how a request for a dataset stands, or the manifest of a dataset."""

    async def work(_: str) -> msgspec.Struct:
        return await wiring.datasets().show(req.route_params.get("model", NONE), req.route_params.get("id", NONE))

    return await answer(req, work)


@bp.timer_trigger(arg_name="timer", schedule="%DATASETS_SCHEDULE%", use_monitor=True)
async def build_datasets(timer: func.TimerRequest) -> None:
    """Build on what was asked for."""
    await wiring.asking().advance()
