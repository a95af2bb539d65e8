"""Timer -> evaluations and alerts."""

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%MONITOR_SCHEDULE%", use_monitor=True)
async def monitor(timer: func.TimerRequest) -> None:
    """Evaluate every version whose newest window was not evaluated yet."""
    await wiring.monitoring().evaluate_all()
