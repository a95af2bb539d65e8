"""What a namespace holds: hubs, their partitions and consumer groups, as the official emulator's Config.json says."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import msgspec

from infra.local.eventhubs.errors import OUT_OF_RANGE, Corrupt, Refused
from infra.local.eventhubs.log import PartitionLog
from infra.local.eventhubs.message import Message
from infra.local.eventhubs.receivers import Receivers
from shared.clock import Clock

_DEFAULT_GROUP: Final = "$Default"


class GroupConfig(msgspec.Struct, rename="pascal", frozen=True):
    """A consumer group; ``$Default`` is there without being named."""

    name: str


class HubConfig(msgspec.Struct, rename="pascal", frozen=True):
    """An event hub; the official emulator takes the number of partitions as text."""

    name: str
    partition_count: int | str
    consumer_groups: tuple[GroupConfig, ...] = ()


class NamespaceConfig(msgspec.Struct, rename="pascal", frozen=True):
    """A namespace of event hubs."""

    name: str
    entities: tuple[HubConfig, ...]


class UserConfig(msgspec.Struct, rename="pascal", frozen=True):
    """The part of Config.json that is read; the official emulator wants exactly one namespace as well."""

    namespace_config: tuple[NamespaceConfig, ...]


class Config(msgspec.Struct, rename="pascal", frozen=True):
    """Config.json."""

    user_config: UserConfig

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read Config.json.

        Raises:
            msgspec.ValidationError: it is not what the official emulator takes.
        """
        return msgspec.json.decode(path.read_bytes(), type=cls)


class Incarnation(msgspec.Struct, frozen=True):
    """What is kept beside a hub's events: deleting both makes it another hub."""

    created_at: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """What a link is attached to: ``<hub>[/ConsumerGroups/<group>][/Partitions/<partition>]``."""

    hub: str
    group: str | None
    partition: str | None

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path without scheme and host.

        Raises:
            Refused: there can be no such entity.
        """
        match path.split("/"):
            case [hub]:
                return cls(hub, None, None)
            case [hub, "partitions", partition]:
                return cls(hub, None, partition)
            case [hub, "consumergroups", group, "partitions", partition]:
                return cls(hub, group, partition)
        raise Refused.not_found(f"The messaging entity {path!r} could not be found.")


class Partition:
    """A partition: its log, and whoever waits for it to grow."""

    def __init__(self, number: int, folder: Path, clock: Clock) -> None:
        self.id = str(number)
        self.log = PartitionLog(folder)
        self._clock = clock
        self._waiting: set[Callable[[], None]] = set()

    def append(self, messages: Sequence[Message]) -> None:
        """Keep ``messages``, then wake those who wait."""
        if not messages:
            return
        self.log.append(messages, milliseconds(self._clock.now()))
        for wake in tuple(self._waiting):
            wake()

    def watch(self, wake: Callable[[], None]) -> None:
        self._waiting.add(wake)

    def unwatch(self, wake: Callable[[], None]) -> None:
        self._waiting.discard(wake)


class Hub:
    """An event hub on disk: ``hub.json`` and a folder for each partition."""

    def __init__(self, config: HubConfig, folder: Path, clock: Clock) -> None:
        self.name = config.name
        self.created_at = _incarnation(folder, clock)
        self.partitions = tuple(
            Partition(number, folder / str(number), clock) for number in range(int(config.partition_count))
        )
        names = (_DEFAULT_GROUP, *(group.name for group in config.consumer_groups))
        self._groups = {name.lower(): {each.id: Receivers() for each in self.partitions} for name in names}
        self._turn = 0

    def partition(self, partition_id: str) -> Partition:
        """Return a partition.

        Raises:
            Refused: the hub has no such partition.
        """
        for partition in self.partitions:
            if partition.id == partition_id:
                return partition
        last = len(self.partitions) - 1
        raise Refused(OUT_OF_RANGE, f"The partition {partition_id!r} is not one of {self.name!r}: 0 to {last}.")

    def receivers(self, group: str, partition: Partition) -> Receivers:
        """Return who receives from ``partition`` in a consumer group.

        Raises:
            Refused: the hub has no such consumer group.
        """
        if group not in self._groups:
            raise Refused.not_found(f"The consumer group {group!r} of {self.name!r} could not be found.")
        return self._groups[group][partition.id]

    def partition_for(self, key: str | None) -> Partition:
        """Return the partition of a key, the same one always; without a key, the next in turn."""
        if key is not None:
            return self.partitions[zlib.crc32(key.encode()) % len(self.partitions)]
        self._turn = (self._turn + 1) % len(self.partitions)
        return self.partitions[self._turn]


class Namespace:
    """All hubs of a configuration; names are matched without regard to case, as the service does."""

    def __init__(self, config: Config, folder: Path, clock: Clock) -> None:
        self._hubs = {
            entity.name.lower(): Hub(entity, folder / entity.name, clock)
            for namespace in config.user_config.namespace_config
            for entity in namespace.entities
        }

    def hub(self, name: str) -> Hub:
        """Return a hub.

        Raises:
            Refused: there is none of that name.
        """
        if name.lower() not in self._hubs:
            raise Refused.not_found(f"The messaging entity {name!r} could not be found.")
        return self._hubs[name.lower()]

    def expire(self, retention_s: float) -> None:
        """Delete what is older than the retention."""
        for partition in self._partitions():
            partition.log.expire(retention_s)

    def close(self) -> None:
        """Put everything on disk and let go of it."""
        for partition in self._partitions():
            partition.log.close()

    def _partitions(self) -> list[Partition]:
        return [partition for hub in self._hubs.values() for partition in hub.partitions]


def milliseconds(moment: datetime) -> int:
    """Return ``moment`` as AMQP has it: whole milliseconds since the Unix epoch."""
    return int(moment.timestamp() * 1000)


def _incarnation(folder: Path, clock: Clock) -> datetime:
    """Return when the hub in ``folder`` was created, which is now if there is none."""
    path = folder / "hub.json"
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Incarnation).created_at
    if any(folder.glob("*/*.log")):
        raise Corrupt(f"{folder} holds events, but not when the hub was created")
    folder.mkdir(parents=True, exist_ok=True)
    created_at = clock.now()
    draft = folder / "hub.json.new"
    draft.write_bytes(msgspec.json.encode(Incarnation(created_at)))
    draft.replace(path)
    return created_at
