"""Start a process of the local system, wait until it is ready, end it by its id."""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

HERE = Path(__file__).resolve().parents[2]
"""The root of the checkout: processes are started here, so that ``python -m infra.local...`` finds its modules."""


ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a program to end: Ctrl-C, ``kill``, a terminal that was closed."""


class NotReady(RuntimeError):
    """A process could not start, ended, or said nothing, before it was ready; the message says why."""


def end_by_interrupt() -> None:
    """Have every signal that asks this program to end raise KeyboardInterrupt, so that what it started is stopped."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let signals that ask this program to end wait for the end of the block.

    A child leads a session of its own, so one that was started and not yet noted, or is next to be stopped, would be
    left behind. Signals interrupt the main thread alone: in others nothing is held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda each, _: came.append(each)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether nobody listens on ``port`` of 127.0.0.1."""
    with socket.socket() as listener:
        return listener.connect_ex(("127.0.0.1", port)) != 0


@dataclass(slots=True)
class Process:
    """A child with its log; ``port`` is where it listens."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path
    port: int = 0

    @classmethod
    def start(cls, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> Self:
        """Start ``command`` with its errors going to ``log``.

        The child leads a session of its own, so that Ctrl-C reaches the parent alone, which then ends the children
        in the right order.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=None if env is None else dict(env),
                cwd=HERE,
                start_new_session=True,
            )
        return cls(name, child, log)

    def wait_for_ready_line(self, *, timeout_s: float = 60.0) -> Self:
        """Wait for the one line ``{"ready": {"port": N}}`` on its standard output, and keep the port.

        Raises:
            NotReady: it ended first, or the time ran out.
        """
        stdout = self.child.stdout
        assert stdout is not None  # noqa: S101 - it was started with a pipe
        deadline = time.monotonic() + timeout_s
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(timeout=deadline - time.monotonic()):
                    raise self._not_ready(f"said nothing for {timeout_s:.0f} s")
                part = os.read(stdout.fileno(), 4096)
                if not part:
                    raise self._not_ready(f"ended with code {self.child.wait()}")
                line += part
        answer: dict[str, Any] = json.loads(line)
        self.port = int(answer["ready"]["port"])
        return self

    def wait_for_port(self, port: int, *, timeout_s: float = 60.0) -> Self:
        """Wait until something accepts connections on ``port``: for programs that print no ready line.

        Raises:
            NotReady: it ended first, or the time ran out.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                raise self._not_ready(f"ended with code {self.child.returncode}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
                self.port = port
                return self
            time.sleep(0.05)
        raise self._not_ready(f"did not listen on port {port} within {timeout_s:.0f} s")

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.child.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens if it has ended."""
        if self.running:
            self.child.send_signal(number)

    def stop(self, *, timeout_s: float = 20.0) -> int:
        """End it with SIGTERM, with SIGKILL if it does not listen, and return its exit code."""
        self.signal(signal.SIGTERM)
        try:
            self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()
        return self.child.returncode

    def kill(self) -> None:
        """End it with SIGKILL: no chance to tidy up."""
        self.signal(signal.SIGKILL)
        self.child.wait()
        self._close()

    def _close(self) -> None:
        if self.child.stdout is not None:
            self.child.stdout.close()

    def _not_ready(self, what: str) -> NotReady:
        self.kill()
        tail = self.log.read_bytes()[-2000:].decode(errors="replace")
        return NotReady(f"{self.name} {what}; its log {self.log} ends:\n{tail}")
