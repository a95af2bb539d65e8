"""Timer -> what was spooled, to the hub."""

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%DRAIN_SCHEDULE%", use_monitor=True)
async def drain(timer: func.TimerRequest) -> None:
    """Send what waited while Event Hubs was down."""
    await wiring.draining().drain()
