"""Timer -> joined hours."""

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%JOIN_SCHEDULE%", use_monitor=True)
async def join(timer: func.TimerRequest) -> None:
    """Join the actuals that were sealed to the predictions that they are about."""
    await wiring.joining().join()
