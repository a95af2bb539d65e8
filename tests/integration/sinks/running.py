"""The sinks as a process of their own, and a client for their controls."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.processes import Process


@dataclass(frozen=True)
class RunningSinks:
    """Sinks that listen; those who get one need not end it."""

    process: Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.process.port}"

    def misbehave(self, **plan: object) -> None:
        """Plan a misbehaviour; the fields are those of ``Misbehaviour``."""
        self._call("POST", "/faults", json.dumps(plan).encode())

    def behave(self) -> None:
        self._call("DELETE", "/faults")

    def planned(self) -> list[dict[str, Any]]:
        plans: list[dict[str, Any]] = json.loads(self._call("GET", "/faults"))
        return plans

    def envelopes(self, key: str) -> list[dict[str, Any]]:
        """Return the envelopes that came with one instrumentation key: each test has its own."""
        entries = [json.loads(line) for line in self._call("GET", "/telemetry").splitlines()]
        return [entry["envelope"] for entry in entries if entry["envelope"]["iKey"] == key]

    def webhooks(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._call("GET", "/webhooks").splitlines()]

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
        return content


@contextmanager
def running_sinks(data: Path, *, secret: str | None = None, port: int = 0) -> Iterator[RunningSinks]:
    command = [sys.executable, "-m", "infra.local.sinks", "--port", str(port), "--data", str(data)]
    if secret is not None:
        command += ["--webhook-secret", secret]
    process = Process.start("sinks", command, log=data / "sinks.log")
    try:
        yield RunningSinks(process.wait_for_ready_line())
    finally:
        process.stop()
