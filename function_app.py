"""What the Functions host indexes: the triggers, in the order a record passes them."""

import azure.functions as func

from functions import (
    account,
    actuals,
    capture,
    catalog,
    datasets,
    deliver,
    drain,
    health,
    join,
    monitor,
    retraining,
    score,
    seal,
)
from shared import wiring

wiring.check_when_hosted()

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for module in (
    score,
    actuals,
    capture,
    drain,
    seal,
    account,
    join,
    monitor,
    retraining,
    datasets,
    deliver,
    catalog,
    health,
):
    app.register_functions(module.bp)
