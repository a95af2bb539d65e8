"""Timer -> sealed hours."""

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%SEAL_SCHEDULE%", use_monitor=True)
async def seal(timer: func.TimerRequest) -> None:
    """Seal every hour that nothing more can come to."""
    await wiring.sealing().seal()
