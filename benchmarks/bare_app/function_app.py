"""The least a scoring trigger can be: parse JSON, ask the model, answer. What Driftline is measured against."""

import json
import os

import azure.functions as func
import numpy as np
import onnxruntime

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = 1
_options.inter_op_num_threads = 1
_session = onnxruntime.InferenceSession(os.environ["BARE_MODEL"], _options, providers=["CPUExecutionProvider"])
_input = _session.get_inputs()[0].name


@app.route(route="api/models/{model}/score", methods=["POST"])
async def score(req: func.HttpRequest) -> func.HttpResponse:
    """Score rows."""
    rows = np.array(json.loads(req.get_body())["data"], dtype=np.float32)
    labels, probabilities = _session.run(None, {_input: rows})
    answer = {"predictions": labels.tolist(), "probabilities": probabilities[:, 1].tolist()}
    return func.HttpResponse(json.dumps(answer), mimetype="application/json")
