"""A load generator in a process of its own, so that its CPU is not counted: ``python -m benchmarks.load``.

Every client has one connection and sends its next request when the last one is answered. It prints one JSON object.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(slots=True)
class _Run:
    """What all clients share; ``ends_at`` is on the clock of ``time.perf_counter``."""

    requests: Iterator[bytes]
    ends_at: float
    latencies_s: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


class _Client(asyncio.Protocol):
    """One connection; ``done`` is set when the time is over, or when it is closed."""

    def __init__(self, run: _Run) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._run = run
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a connection over TCP
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank or len(body) < _content_length(head):
            return
        self._received = b""
        now = time.perf_counter()
        self._run.latencies_s.append(now - self._sent_at)
        if b" 200 " not in head[:13]:
            self._run.refusals.append(head[:40].decode(errors="replace"))
        if now < self._run.ends_at:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or time.perf_counter() < self._run.ends_at:
            self._run.refusals.append(f"connection lost: {exc}")
        self.done.set_result(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._run.requests))


async def _load(url: str, key: str, bodies: list[bytes], *, clients: int, seconds: float) -> dict[str, float]:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nx-functions-key: {key}\r\n".encode()
    requests = [b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body) for body in bodies]
    started = time.perf_counter()
    run = _Run(itertools.cycle(requests), ends_at=started + seconds)
    loop = asyncio.get_running_loop()
    connected = [await loop.create_connection(lambda: _Client(run), host, port) for _ in range(clients)]
    await asyncio.gather(*(client.done for _, client in connected))
    elapsed_s = time.perf_counter() - started
    if run.refusals:
        raise SystemExit(f"{len(run.refusals)} of {len(run.latencies_s)} requests failed: {run.refusals[0]}")
    ordered_ms = [latency_s * 1000.0 for latency_s in sorted(run.latencies_s)]
    return {
        "requests": len(ordered_ms),
        "requests_per_s": len(ordered_ms) / elapsed_s,
        **{f"p{share}_ms": ordered_ms[len(ordered_ms) * share // 100] for share in (50, 95, 99)},
    }


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


def main() -> None:
    """Send requests for a while, and say how fast they were answered."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--key", required=True)
    parser.add_argument("--bodies", type=Path, required=True, help="the requests' bodies, one a line, sent in turn")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    asked = parser.parse_args()
    bodies = asked.bodies.read_bytes().splitlines()
    print(json.dumps(asyncio.run(_load(asked.url, asked.key, bodies, clients=asked.clients, seconds=asked.seconds))))


if __name__ == "__main__":
    main()
