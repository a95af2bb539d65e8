"""An app with one function of every kind; what its triggers deliver is appended to files in ``SEEN``.

A file ``fail-<function>`` in that folder makes a function raise, ``slow-<function>`` makes it take as many seconds as
the file says.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any, List  # noqa: UP035 - the real worker does not understand list[...]

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def _seen() -> Path:
    return Path(os.environ["SEEN"])


def _note(function: str, **facts: Any) -> None:  # noqa: ANN401 - JSON
    with (_seen() / f"{function}.jsonl").open("a") as file:
        file.write(json.dumps({"process": os.getpid(), **facts}) + "\n")


def _seconds(function: str) -> float:
    slow = _seen() / f"slow-{function}"
    return float(slow.read_text()) if slow.exists() else 0.0


def _fail_if_told(function: str) -> None:
    if (_seen() / f"fail-{function}").exists():
        raise RuntimeError("told to fail")


@app.route("echo/{name}/{number:int?}", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    answer = {
        "method": req.method,
        "url": req.url,
        "route_params": dict(req.route_params),
        "params": dict(req.params),
        "header": req.headers.get("X-Sent"),
        "body": req.get_body().decode("latin-1"),
        "function": context.function_name,
        "invocation": context.invocation_id,
    }
    headers = {"X-Kept": "yes", "Set-Cookie": "a=b; Path=/"}
    return func.HttpResponse(json.dumps(answer), status_code=201, headers=headers, mimetype="application/json")


@app.route("same", methods=["GET"])
def same_read(req: func.HttpRequest) -> str:
    return f"read by {req.method}"


@app.route("same", methods=["PUT"])
def same_write(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.route("secret", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
async def secret(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"{req.method} by the master")


@app.route("broken", methods=["GET"])
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError(f"a secret of {req.url}")


@app.route("slow", methods=["GET"])
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(float(req.params["seconds"]))
    return func.HttpResponse("done")


@app.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="%HUB%",
    connection="EVENTS",
    consumer_group="%GROUP%",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.STRING,
)
async def captured(events: List[func.EventHubEvent]) -> None:  # noqa: UP006
    await asyncio.sleep(_seconds("captured"))
    metadata = events[0].metadata or {}
    _note(
        "captured",
        bodies=[event.get_body().decode() for event in events],
        sequence=[event.sequence_number for event in events],
        offsets=[event.offset for event in events],
        keys=[event.partition_key for event in events],
        enqueued=[event.enqueued_time.isoformat() for event in events if event.enqueued_time],
        metadata=metadata,
    )
    _fail_if_told("captured")


@app.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="%RETRIED_HUB%",
    connection="EVENTS",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:00:01")
def retried(events: List[func.EventHubEvent], context: func.Context) -> None:  # noqa: UP006
    time.sleep(_seconds("retried"))
    retry = context.retry_context.retry_count
    partition = (events[0].metadata or {})["PartitionContext"]["PartitionId"]
    bodies = [event.get_body().hex() for event in events]
    _note("retried", bodies=bodies, partition=partition, retry=retry)
    _fail_if_told("retried")


@app.timer_trigger(arg_name="timer", schedule="%TICKS%", use_monitor=True)
async def ticking(timer: func.TimerRequest) -> None:
    began = time.monotonic()
    await asyncio.sleep(_seconds("ticking"))
    status: Any = getattr(timer, "schedule_status", None)
    _note("ticking", past_due=timer.past_due, status=status, began=began, ended=time.monotonic())
    _fail_if_told("ticking")


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def starting(timer: func.TimerRequest) -> None:
    _note("starting", past_due=timer.past_due)
