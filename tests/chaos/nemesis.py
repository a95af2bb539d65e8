"""What is done to a fleet while it works, in an order drawn by chance and written down."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.chaos.fleet import CAPTURE_TIMEOUT_S, OWNERSHIP_S, Fleet
from tests.chaos.proxies.tcp import Line

# A host that stood still for so long wakes up owning nothing.
_ZOMBIE_S: Final = OWNERSHIP_S * 1.5
_LINE_S: Final = 1.5 * CAPTURE_TIMEOUT_S
_LONGEST_PAUSE_S: Final = 1.5


class Act(StrEnum):
    """One thing that is done."""

    KILL = "kill a host with SIGKILL and start it again"
    FREEZE = "stop a host with SIGSTOP until others have its partitions"
    RESTART_HUB = "end the emulator, with SIGKILL and SIGTERM by turns, and start it again"
    CUT_LINE = "reset every connection to the hub"
    MUTE_LINE = "swallow what the hub says for a while: it has what it was sent, and nobody knows"
    STALL_LINE = "pass nothing to the hub and back for a while"
    FORGET_LINE = "forget the hub's side of every connection, and do not say so"


_LINES: Final = {Act.MUTE_LINE: Line.MUTED, Act.STALL_LINE: Line.STALLED, Act.FORGET_LINE: Line.HALF_OPEN}


@dataclass(slots=True)
class Nemesis:
    """Does ``acts`` to a fleet one after another; ``done`` of them have been, each noted in ``log``."""

    fleet: Fleet
    acts: Sequence[Act]
    random: random.Random
    log: Path
    done: int = 0
    _began: float = field(default_factory=time.monotonic)

    async def rage(self) -> None:
        """Do everything that is left to be done."""
        for act in self.acts[self.done :]:
            await asyncio.sleep(self.random.uniform(0.0, _LONGEST_PAUSE_S))
            await self._do(act)
            self.done += 1

    def counts(self) -> Counter[str]:
        """Return how often each act has been done."""
        return Counter(act.name for act in self.acts[: self.done])

    async def _do(self, act: Act) -> None:
        number = self.random.choice(sorted(self.fleet.hosts))
        match act:
            case Act.KILL:
                self._note(act, f"host {number}")
                await self.fleet.kill_host(number)
                await self.fleet.start_host(number)
            case Act.FREEZE:
                self._note(act, f"host {number}")
                self.fleet.hosts[number].signal(signal.SIGSTOP)
                await asyncio.sleep(_ZOMBIE_S)
                self.fleet.hosts[number].signal(signal.SIGCONT)
            case Act.RESTART_HUB:
                restarts = self.acts[: self.done].count(act)
                how = (signal.SIGKILL, signal.SIGTERM)[restarts % 2]
                self._note(act, how.name)
                await self.fleet.restart_hub(how)
            case Act.CUT_LINE:
                self._note(act, "")
                self.fleet.hub.cut()
            case Act.MUTE_LINE | Act.STALL_LINE | Act.FORGET_LINE:
                self._note(act, "")
                self.fleet.hub.line = _LINES[act]
                await asyncio.sleep(_LINE_S)
                self.fleet.hub.line = Line.OPEN

    def _note(self, act: Act, what: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{time.monotonic() - self._began:8.2f} s  {act.name} {what}\n")


def shuffled(counts: Mapping[Act, int], chance: random.Random) -> list[Act]:
    """Return as many of each act, in an order drawn by chance."""
    acts = [act for act, count in counts.items() for _ in range(count)]
    chance.shuffle(acts)
    return acts
