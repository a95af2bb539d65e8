"""The scoring trigger called without a host, in a process of its own: ``python -m benchmarks.in_process``.

It runs in the app's environment, prints one JSON object, and is what ``benchmarks.score`` subtracts the model from.
Calls of the trigger and of the model take turns, so that a machine that is busy for a while is busy for both.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias

import azure.functions as func

Trigger: TypeAlias = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

_BLOCK = 100
_DATA_FRAMES = ("pandas", "pyarrow", "scipy", "sklearn")
# longer than telemetry waits for company before it is sent
_TELEMETRY_LINGER_S = 6.0


async def measure(bodies: list[bytes], model_file: Path, *, name: str, calls: int) -> dict[str, Any]:
    """Return what one call costs: its CPU, that of the model alone, and that of the thread which sends telemetry."""
    trigger = _trigger()
    requests = cycle([_request(name, body) for body in bodies])
    ask_model = _model(model_file, bodies)
    await _called(trigger, requests)
    ours: list[float] = []
    models: list[float] = []
    began = time.process_time()
    for _ in range(calls // _BLOCK):
        ours.append(await _called(trigger, requests))
        models.append(_asked(ask_model))
    if os.environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING"):
        await asyncio.sleep(_TELEMETRY_LINGER_S)
    others = time.process_time() - began - _BLOCK * (sum(ours) + sum(models))
    return {
        "call_us": statistics.median(ours) * 1e6,
        "model_us": statistics.median(models) * 1e6,
        "other_threads_us": max(others / (len(ours) * _BLOCK), 0.0) * 1e6,
        "loaded": [name for name in _DATA_FRAMES if name in sys.modules],
    }


def _trigger() -> Trigger:
    """Return the function ``score`` as the host calls it."""
    import function_app

    functions = function_app.app.get_functions()
    (found,) = (one.get_user_function() for one in functions if one.get_function_name() == "score")
    trigger: Trigger = found
    return trigger


async def _called(trigger: Trigger, requests: Iterator[func.HttpRequest]) -> float:
    """Return the CPU seconds of one call, of this thread alone, as the mean of a block of calls."""
    began = time.thread_time()
    for _ in range(_BLOCK):
        answer = await trigger(next(requests))
    spent_s = time.thread_time() - began
    if answer.status_code != 200:
        raise SystemExit(f"answered {answer.status_code}: {answer.get_body()!r}")
    return spent_s / _BLOCK


def _asked(ask_model: Callable[[], object]) -> float:
    began = time.thread_time()
    for _ in range(_BLOCK):
        ask_model()
    return (time.thread_time() - began) / _BLOCK


def _model(file: Path, bodies: list[bytes]) -> Callable[[], object]:
    """Return the model alone, asked about rows that are tensors already."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    tensors = cycle([np.array(json.loads(body)["data"], dtype=np.float32) for body in bodies])
    return lambda: session.run(None, {name: next(tensors)})


def _request(name: str, body: bytes) -> func.HttpRequest:
    return func.HttpRequest(
        "POST", f"http://127.0.0.1/api/models/{name}/score", body=body, route_params={"model": name}
    )


def main() -> None:
    """Measure, and say what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.in_process", description=__doc__)
    parser.add_argument("name", help="of a registered model")
    parser.add_argument("--model", type=Path, required=True, help="its file")
    parser.add_argument("--bodies", type=Path, required=True, help="the requests' bodies, one a line")
    parser.add_argument("--calls", type=int, default=3_000)
    asked = parser.parse_args()
    bodies = asked.bodies.read_bytes().splitlines()
    # The app's connections live as long as its process: that they are not closed is no news.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    print(json.dumps(asyncio.run(measure(bodies, asked.model, name=asked.name, calls=asked.calls))))


if __name__ == "__main__":
    main()
