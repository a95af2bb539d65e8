"""The sinks' HTTP interface."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.sinks.envelopes import UnreadableBatch, flaw, split, unpacked
from infra.local.sinks.faults import Misbehaviour, Plan
from infra.local.sinks.journal import Journal
from shared.alerts.signatures import verify
from shared.errors import BadSignature


class Sinks:
    """Application Insights' ingestion endpoint, and a receiver of webhooks.

    What they take goes to ``telemetry.jsonl`` (one line an envelope) and ``webhooks.jsonl`` (one line a message, the
    refused ones too) in ``data``. Without a ``secret`` no signature is checked. Times and signatures are in real time.
    """

    def __init__(self, data: Path, *, secret: str | None) -> None:
        self._telemetry = Journal(data / "telemetry.jsonl")
        self._webhooks = Journal(data / "webhooks.jsonl")
        self._secret = secret
        self._plan = Plan()

    def app(self) -> Starlette:
        """Return the routes."""
        return Starlette(
            routes=[
                Route("/v2.1/track", self.track, methods=["POST"]),
                Route("/v2/track", self.track, methods=["POST"]),
                Route("/webhook/{name}", self.webhook, methods=["POST"]),
                Route("/telemetry", self.telemetry),
                Route("/webhooks", self.webhooks),
                Route("/faults", self.plan, methods=["POST"]),
                Route("/faults", self.planned, methods=["GET"]),
                Route("/faults", self.behave, methods=["DELETE"]),
            ]
        )

    async def track(self, request: Request) -> Response:
        """Take a batch of envelopes, gzip or not, as an array or as lines."""
        body = await request.body()
        misbehaviour = self._plan.next_for("telemetry")
        await asyncio.sleep(misbehaviour.hang_s)
        if not misbehaviour.keeps:
            return _answer(misbehaviour, {"itemsReceived": 0, "itemsAccepted": 0, "errors": []}, status=500)
        try:
            items = split(unpacked(body, encoding=request.headers.get("content-encoding", "")))
        except UnreadableBatch as error:
            return JSONResponse({"itemsReceived": 0, "itemsAccepted": 0, "errors": [_error(0, 400, str(error))]}, 400)
        errors = _errors(items, misbehaviour)
        refused = {error["index"] for error in errors}
        taken = [item for index, item in enumerate(items) if index not in refused]
        received_at = _now()
        self._telemetry.append(*({"received_at": received_at, "envelope": item} for item in taken))
        account = {"itemsReceived": len(items), "itemsAccepted": len(taken), "errors": errors}
        none_fits = not taken and all(error["statusCode"] == 400 for error in errors)
        status = 200 if not errors else 400 if none_fits else 206
        return _answer(misbehaviour, account, status=status)

    async def webhook(self, request: Request) -> Response:
        """Take a message if its signature holds; keep it, with the verdict, in any case."""
        body = await request.body()
        misbehaviour = self._plan.next_for("webhooks")
        await asyncio.sleep(misbehaviour.hang_s)
        if not misbehaviour.keeps:
            return _answer(misbehaviour, {}, status=500)
        headers = dict(request.headers)
        verdict = self._verdict(headers, body)
        trusted = verdict in {"valid", "unchecked"}
        self._webhooks.append(
            {
                "received_at": _now(),
                "name": request.path_params["name"],
                "headers": headers,
                "body": body.decode("utf-8", "backslashreplace"),
                "verdict": verdict,
            }
        )
        return _answer(misbehaviour, {"verdict": verdict}, status=200 if trusted else 401)

    async def telemetry(self, _: Request) -> Response:
        """Return all envelopes that were taken, as JSON lines."""
        return Response(self._telemetry.read(), media_type="application/x-ndjson")

    async def webhooks(self, _: Request) -> Response:
        """Return all messages that came, as JSON lines."""
        return Response(self._webhooks.read(), media_type="application/x-ndjson")

    async def plan(self, request: Request) -> Response:
        """Plan a misbehaviour."""
        try:
            self._plan.add(msgspec.json.decode(await request.body(), type=Misbehaviour))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(status_code=204)

    async def planned(self, _: Request) -> Response:
        """Return the misbehaviours that are still to come."""
        return Response(msgspec.json.encode(self._plan.coming()), media_type="application/json")

    async def behave(self, _: Request) -> Response:
        """Forget all planned misbehaviour."""
        self._plan.clear()
        return Response(status_code=204)

    def _verdict(self, headers: dict[str, str], body: bytes) -> str:
        if self._secret is None:
            return "unchecked"
        try:
            verify(self._secret, headers=headers, body=body, now=time.time())
        except BadSignature as fault:
            return fault.reason
        return "valid"


def _errors(items: list[Any], misbehaviour: Misbehaviour) -> list[dict[str, Any]]:
    """Return the account of the items that are refused, for what they are or by plan."""
    planned = misbehaviour.partial
    flaws = {index: _error(index, 400, problem) for index, item in enumerate(items) if (problem := flaw(item))}
    if planned:
        for index in planned.indexes:
            if index < len(items):
                flaws.setdefault(index, _error(index, planned.status, "as planned"))
    return [flaws[index] for index in sorted(flaws)]


def _error(index: int, status: int, message: str) -> dict[str, Any]:
    return {"index": index, "statusCode": status, "message": message}


def _answer(misbehaviour: Misbehaviour, content: dict[str, Any], *, status: int) -> Response:
    """Return ``content`` with ``status``, or what the plan says instead."""
    body = msgspec.json.encode(content) if misbehaviour.body is None else misbehaviour.body.encode()
    return Response(body, misbehaviour.status or status, misbehaviour.headers, "application/json")


def _now() -> str:
    return datetime.now(UTC).isoformat()
