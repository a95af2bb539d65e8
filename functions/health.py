"""HTTP -> can everything be reached?"""

import azure.functions as func
import msgspec

from shared import wiring

bp = func.Blueprint()


@bp.route(route="api/health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Say whether each dependency can be reached: 200 when all can, else 503. It names no address."""
    report = await wiring.health().report()
    status = 200 if report.status == "ok" else 503
    return func.HttpResponse(msgspec.json.encode(report), status_code=status, mimetype="application/json")
