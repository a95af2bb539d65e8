"""The garbage collector, told how a process that answers requests lives."""

import gc
from typing import Final

_ALLOCATIONS: Final = 20_000


def settle() -> None:
    """Take what is in memory now for what stays, and look for garbage less often: after something large was loaded.

    Requests that wait for an acknowledgement are a few thousand objects at any time, which the collector takes for a
    reason to go through everything again, libraries and models: a tenth of a second in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *gc.get_threshold()[1:])
