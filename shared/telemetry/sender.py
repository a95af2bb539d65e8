"""The thread that sends what waits, and never lets its troubles out.

The library's own senders block the caller, queue without bound and hammer an endpoint that is down. This one shares
with the request path only a bounded backlog, and keeps this account: offered = sent + refused + dropped + queued.
"""

import gzip
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import TelemetryUnanswered
from shared.telemetry.answers import Answer, asked_wait_s, judge
from shared.telemetry.backlog import Backlog
from shared.telemetry.items import Item, Subject
from shared.telemetry.pacing import Backoff
from shared.telemetry.series import Series

# between two batches of a long backlog the thread lets go of the interpreter, so that requests do not queue behind it
_BREATH_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds that keep telemetry from hurting the app.

    ``items`` and ``series`` bound memory (about 1 KiB each); ``batch`` items go in one post, which has ``timeout_s``;
    the first item waits ``linger_s`` for others to come along; failed posts are ``backoff_s`` apart, then twice that,
    up to ``backoff_most_s``.
    """

    items: int = 10_000
    series: int = 1_000
    batch: int = 100
    linger_s: float = 5.0
    timeout_s: float = 10.0
    backoff_s: float = 1.0
    backoff_most_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What became of the items so far, for the health endpoint.

    ``refused`` were turned down by the endpoint or could not be written, ``dropped`` had to make room. ``last_error``
    stays until the next one; ``last_success_age_s`` is None before the first success.
    """

    queued: int
    sent: int
    refused: int
    dropped: int
    last_error: str | None
    last_success_age_s: float | None


class Sender:
    """Sends items from one daemon thread, which starts with the first of them.

    ``encode`` turns an item into JSON and may raise ValueError, TypeError or OverflowError; ``post`` takes a body
    (a gzip JSON array) and a time-out in seconds and may raise ``TelemetryUnanswered``. Both are called on the thread
    only.
    """

    def __init__(
        self,
        *,
        encode: Callable[[Item], bytes],
        post: Callable[[bytes, float], Answer],
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._encode = encode
        self._post = post
        self._clock = clock
        self._limits = limits
        self._backlog = Backlog(limits.items)
        self._series = Series(limits.series)
        self._backoff = Backoff(base_s=limits.backoff_s, most_s=limits.backoff_most_s)
        self._thread: threading.Thread | None = None
        self._starting = threading.RLock()
        self._awake = threading.Event()
        self._closing = threading.Event()
        self._deadline = math.inf
        self._sending = 0
        self._sent = 0
        self._refused = 0
        self._reported_drops = 0
        self._last_error: str | None = None
        self._last_success: float | None = None

    def offer(self, item: Item) -> None:
        """Leave ``item`` to be sent; never blocks on the network, never raises."""
        self._backlog.put(item)
        self._wake()

    def observe(self, name: str, value: float, subject: Subject) -> None:
        """Add one observation of a metric; never blocks on the network, never raises."""
        if not math.isfinite(value):
            # JSON has no word for it, and one NaN would make a sum of many good values unreadable
            self._refused += 1
            return
        self._series.add(name, float(value), subject)
        self._wake()

    def stats(self) -> Stats:
        """Return the account so far; while a batch is under way its parts may be a moment apart."""
        since = self._last_success
        return Stats(
            queued=len(self._backlog) + self._sending,
            sent=self._sent,
            refused=self._refused,
            dropped=self._drops(),
            last_error=self._last_error,
            last_success_age_s=None if since is None else time.monotonic() - since,
        )

    def close(self, timeout_s: float) -> None:
        """Send what waits and end the thread, in ``timeout_s`` at most; what is left is given up.

        A failing endpoint is asked once more and no longer waited for.
        """
        self._deadline = time.monotonic() + timeout_s
        self._closing.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _wake(self) -> None:
        if not self._awake.is_set():
            self._awake.set()
        thread = self._thread
        if thread is None or not thread.is_alive():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._closing.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                # no thread can be had, now or ever (the interpreter is ending): what waits, waits
                self._last_error = f"RuntimeError: {error}"
                return
            self._thread = thread

    def _run(self) -> None:
        while not self._closing.is_set():
            self._awake.wait()
            self._closing.wait(self._limits.linger_s)
            self._awake.clear()
            self._send_waiting()
        # what came in during the last round, drops to report included
        self._send_waiting()

    def _send_waiting(self) -> None:
        for metric in self._series.take(self._clock.now()):
            self._backlog.put(metric)
        while batch := self._backlog.take(self._limits.batch):
            self._sending = len(batch)
            wait_s = self._send(batch)
            self._sending = 0
            if wait_s and self._closing.is_set():
                return
            self._closing.wait(wait_s or _BREATH_S)

    def _send(self, batch: Sequence[Item]) -> float:
        """Post one batch, settle every item of it, and return the seconds to wait if it has to go again."""
        items, body = self._packed(batch)
        if not items:
            return 0.0
        timeout_s = min(self._limits.timeout_s, self._deadline - time.monotonic())
        if timeout_s <= 0.0:
            self._backlog.put_back(items)
            return _BREATH_S
        try:
            answer = self._post(body, timeout_s)
        except TelemetryUnanswered as fault:
            self._last_error = fault.reason
            self._backlog.put_back(items)
            return self._backoff.failed()
        return self._settle(items, answer)

    def _packed(self, batch: Sequence[Item]) -> tuple[list[Item], bytes]:
        """Return the items that can be written, and the body that holds them."""
        items, envelopes = [], []
        for item in batch:
            try:
                envelopes.append(self._encode(item))
            except (ValueError, TypeError, OverflowError) as error:
                # one item that cannot be written must not stop the others
                self._refused += 1
                self._last_error = f"{type(error).__name__} while writing a {type(item).__name__}"
                continue
            items.append(item)
        return items, gzip.compress(b"[" + b",".join(envelopes) + b"]", compresslevel=1)

    def _settle(self, items: Sequence[Item], answer: Answer) -> float:
        verdict = judge(answer, items=len(items))
        self._sent += verdict.accepted
        self._refused += verdict.refused
        self._last_error = verdict.error or self._last_error
        if verdict.accepted:
            self._last_success = time.monotonic()
        if verdict.again:
            self._backlog.put_back([items[index] for index in verdict.again])
            asked = asked_wait_s(answer.retry_after, now=Clock.real().now()) or 0.0
            return max(asked, self._backoff.failed())
        self._backoff.succeeded()
        if verdict.accepted:
            self._report_drops()
        return 0.0

    def _report_drops(self) -> None:
        """Say in telemetry itself how much of it was dropped, now that somebody listens again."""
        drops = self._drops()
        if drops > self._reported_drops:
            self.observe("telemetry_dropped_items", drops - self._reported_drops, Subject())
            self._reported_drops = drops

    def _drops(self) -> int:
        return self._backlog.dropped + self._series.dropped
