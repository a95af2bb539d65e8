"""Timer -> retrain decisions; HTTP -> the newest one."""

import azure.functions as func
import msgspec

from functions.http import answer
from shared import wiring
from shared.ids import NONE

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%DECIDE_SCHEDULE%", use_monitor=True)
async def decide(timer: func.TimerRequest) -> None:
    """Decide about every model whose newest settled period was not decided on yet."""
    await wiring.deciding().decide_all()


@bp.route(route="api/models/{model}/decision", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def decision(req: func.HttpRequest) -> func.HttpResponse:
    """Show the newest decision about a model."""

    async def work(_: str) -> msgspec.Struct:
        return await wiring.deciding().newest(req.route_params.get("model", NONE))

    return await answer(req, work)
