"""Driftline's scoring trigger alone, as an instance has it that was scaled out for requests: no timers, no events."""

import azure.functions as func

from functions import score

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(score.bp)
