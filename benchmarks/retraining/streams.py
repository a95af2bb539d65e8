"""The streams of the benchmark, by name.

Those held out are not looked at before the parameters of a policy are fixed; the generated ones serve to fix them, and are
never reported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.retraining import generated, packaged
from benchmarks.retraining.periods import Periods


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What arrives at a model, and what is known of it.

    Attributes:
        name: what figures are printed under.
        read: returns its periods; given the folder where downloads are kept.
        window: how many periods a version is trained on.
        drifts: whether the world of the stream changes.
        is_held_out: whether it stays unseen until policies are fixed.
        is_generated: whether it is made up, so that figures of it say nothing.
    """

    name: str
    read: Callable[[Path], Periods]
    window: int = 12
    drifts: bool
    is_held_out: bool = False
    is_generated: bool = False

    def permuted(self) -> "Stream":
        """Return its control, in which nothing drifts."""
        return Stream(
            name=f"{self.name} permuted",
            read=lambda folder: self.read(folder).permuted(),
            window=self.window,
            drifts=False,
            is_held_out=self.is_held_out,
        )


def _generated(make: Callable[[], Periods], *, drifts: bool) -> Stream:
    return Stream(name=make.__name__, read=lambda _folder: make(), drifts=drifts, is_generated=True)


_ELEC2: Final = Stream(name="elec2", read=packaged.elec2, drifts=True)
_COVTYPE: Final = Stream(name="covtype", read=packaged.covtype, drifts=True, is_held_out=True)
_FLIGHTS: Final = Stream(name="flights", read=packaged.late_flights, window=15, drifts=True, is_held_out=True)

STREAMS: Final = (
    _ELEC2,
    Stream(name="weather", read=packaged.weather, drifts=True),
    Stream(name="sea", read=packaged.sea, drifts=False),
    Stream(name="employment", read=packaged.employment, drifts=False),
    _ELEC2.permuted(),
    _COVTYPE,
    Stream(name="squares", read=packaged.squares, window=2, drifts=True, is_held_out=True),
    _FLIGHTS,
    _FLIGHTS.permuted(),
    _COVTYPE.permuted(),
    _generated(generated.abrupt, drifts=True),
    _generated(generated.gradual, drifts=True),
    _generated(generated.incremental, drifts=True),
    _generated(generated.recurrent, drifts=True),
    _generated(generated.blip, drifts=True),
    _generated(generated.moving, drifts=True),
    _generated(generated.still, drifts=False),
    _generated(generated.noisy, drifts=False),
)
DEVELOPMENT: Final = tuple(stream for stream in STREAMS if not stream.is_held_out)
HELD_OUT: Final = tuple(stream for stream in STREAMS if stream.is_held_out)
REPORTED: Final = tuple(stream for stream in STREAMS if not stream.is_generated)
