"""Timer -> the account, and alerts on what is wrong with it."""

import azure.functions as func

from shared import wiring

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%ACCOUNT_SCHEDULE%", use_monitor=True)
async def account(timer: func.TimerRequest) -> None:
    """Draw up the account of the last days, and see whether capture keeps up."""
    await wiring.watching_capture().watch()
