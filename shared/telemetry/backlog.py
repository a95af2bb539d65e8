"""The bounded queue between the request path and the sender's thread."""

import threading
from collections import deque
from collections.abc import Sequence

from shared.telemetry.items import Item


class Backlog:
    """At most ``limit`` items; the oldest make room for new ones, and are counted.

    The oldest go because after an outage the present is worth more than its beginning.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        # re-entrant: a signal handler that reports something may interrupt a put in its own thread
        self._lock = threading.RLock()
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def dropped(self) -> int:
        """Return how many items had to make room so far."""
        return self._dropped

    def put(self, item: Item) -> None:
        """Add one item at the end."""
        with self._lock:
            if len(self._items) >= self._limit:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)

    def take(self, most: int) -> list[Item]:
        """Remove and return up to ``most`` items, oldest first."""
        with self._lock:
            return [self._items.popleft() for _ in range(min(most, len(self._items)))]

    def put_back(self, items: Sequence[Item]) -> None:
        """Return items that were taken to the front; those for which there is no room any more are dropped."""
        with self._lock:
            room = max(self._limit - len(self._items), 0)
            kept = items[len(items) - room :] if room < len(items) else items
            self._dropped += len(items) - len(kept)
            self._items.extendleft(reversed(kept))
