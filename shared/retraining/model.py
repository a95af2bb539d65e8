"""A model that is decided about: what is known of it beforehand, and who is asked beside its champion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.monitor_config import MonitorConfig
from shared.registry.manifest import Aliases, Manifest
from shared.retraining.history import born
from shared.retraining.periods import Period, champions_before

EARLIER_KEPT: Final = 2
"""So many versions that were champion before are asked beside the champion."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model beforehand."""

    config: MonitorConfig
    aliases: Aliases
    champion: Manifest
    versions: Mapping[str, Manifest]

    @property
    def births(self) -> dict[str, Period]:
        """Return the first period that each version was there for and did not learn from."""
        hours = self.config.retraining.period_hours
        return {name: born(manifest, hours=hours) for name, manifest in self.versions.items()}

    def to_ask(self, champion: str, period: Period) -> list[str]:
        """Return the versions to be asked beside the champion of a period: challengers, and champions of before."""
        births = self.births
        ready = [one for one in self.aliases.challengers if one in births and births[one] <= period]
        newest = sorted(ready, key=lambda one: births[one])[-self.config.retraining.challengers_kept :]
        earlier = [one for one in champions_before(champion, self.aliases.history) if one not in self.aliases.retired]
        # Of a period before the last promotion, the version that answers now was the challenger.
        now = [self.champion.version] if births[self.champion.version] <= period else []
        known = [one for one in earlier if one in births and births[one] <= period][:EARLIER_KEPT]
        return [one for one in dict.fromkeys([*newest, *known, *now]) if one != champion]
