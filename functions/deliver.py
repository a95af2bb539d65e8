"""Timer -> webhooks."""

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%DELIVER_SCHEDULE%", use_monitor=True)
async def deliver(timer: func.TimerRequest) -> None:
    """Post the alerts that are due."""
    await wiring.delivering().deliver()
