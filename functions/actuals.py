"""HTTP -> actuals."""

import azure.functions as func
import msgspec

from functions.http import answer
from shared import wiring
from shared.capture.actuals import Answer
from shared.ids import NONE

bp = func.Blueprint()


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each actual, in the order they came, and how the accepted ones were kept."""

    request_id: str
    model: str
    accepted: int
    refused: int
    actuals: list[Answer]
    capture: str


@bp.route(route="api/models/{model}/actuals", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def actuals(req: func.HttpRequest) -> func.HttpResponse:
    """Take what turned out to be true."""

    async def work(request_id: str) -> Received:
        model = req.route_params.get("model", NONE)
        received = await wiring.receiving_actuals().receive(model, req.get_body(), request_id=request_id)
        return Received(
            request_id=request_id,
            model=model,
            accepted=received.accepted,
            refused=len(received.answers) - received.accepted,
            actuals=received.answers,
            capture=received.capture,
        )

    return await answer(req, work)
