"""The versions in memory: each is loaded when it is first asked for, and let go of once it is retired."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from shared import memory
from shared.errors import Fault
from shared.registry.manifest import Manifest
from shared.registry.recent import FRESH_S
from shared.registry.store import Registry
from shared.scoring.privacy import Masks
from shared.scoring.runtime import OnnxModel, Runtime
from shared.scoring.validation import Validator
from shared.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version in memory, ready to answer."""

    manifest: Manifest
    masks: Masks
    validator: Validator
    runtime: Runtime


@dataclass(slots=True)
class Loading:
    """Loads versions, and keeps them.

    ``privacy_key`` is what features are hashed with before they are kept, empty where none is set.
    """

    registry: Registry
    telemetry: Telemetry
    privacy_key: bytes = field(repr=False)
    _loading: dict[tuple[str, str], asyncio.Task[Loaded]] = field(default_factory=dict)
    _answering: dict[str, Manifest] = field(default_factory=dict)
    _begun: dict[tuple[str, str], float] = field(default_factory=dict)
    _looked: float = field(default=float("-inf"))
    _looking: asyncio.Task[None] | None = None

    async def loaded(self, manifest: Manifest) -> Loaded:
        """Return a version ready to answer; concurrent first requests wait for one load.

        Raises:
            StorageUnavailable: its file cannot be read now.
            InvalidDocument: its file is not the one that was registered.
            UnfitPrivacyKey: it hashes features, and the key is missing or another than it was registered with.
        """
        loading = self._loading.get(_key(manifest))
        if loading is None or _has_failed(loading):
            loading = self._begin(manifest)
        return loading.result() if loading.done() else await asyncio.shield(loading)

    def answering(self, champion: Manifest) -> Manifest:
        """Return who answers for a champion: itself, or the one before while that alone is in memory.

        So nobody waits for a promotion, and nobody is refused when the new file cannot be read: that is reported, and
        tried again every 5 seconds. The first champion of a process has none before it, and is waited for.
        """
        before = self._answering.get(champion.model)
        if before is None or self._has(champion) or not self._has(before):
            self._answering[champion.model] = champion
            return champion
        begun = self._begun.get(_key(champion), float("-inf"))
        if not self._is_under_way(champion) and self.registry.monotonic() - begun >= FRESH_S:
            self._begin(champion).add_done_callback(lambda done: self._report(champion, done))
        return before

    def look_for_retired(self) -> None:
        """Let go of what was retired, in the background, unless that was looked for less than 5 seconds ago."""
        now = self.registry.monotonic()
        if now - self._looked >= FRESH_S:
            self._looked = now
            self._looking = asyncio.ensure_future(self._let_go())

    async def _let_go(self) -> None:
        """Look at every model, also those nobody asks for any more; where storage does not say, the next time will do."""
        for model in {model for model, _ in self._loading}:
            with contextlib.suppress(Fault):
                for version in (await self.registry.aliases(model)).retired:
                    key = model, version
                    if key in self._loading and self._loading[key].done():
                        del self._loading[key]

    def _has(self, manifest: Manifest) -> bool:
        loading = self._loading.get(_key(manifest))
        return loading is not None and loading.done() and not _has_failed(loading)

    def _is_under_way(self, manifest: Manifest) -> bool:
        loading = self._loading.get(_key(manifest))
        return loading is not None and not loading.done()

    def _begin(self, manifest: Manifest) -> asyncio.Task[Loaded]:
        self._begun[_key(manifest)] = self.registry.monotonic()
        loading = self._loading[_key(manifest)] = asyncio.ensure_future(self._load(manifest))
        return loading

    async def _load(self, manifest: Manifest) -> Loaded:
        masks = Masks(manifest.schema, model=manifest.model, key=self.privacy_key)
        data = await self.registry.file(manifest, manifest.model_file)
        model = await asyncio.to_thread(OnnxModel, data)
        loaded = Loaded(manifest, masks, Validator(manifest.schema, masks.by_name), Runtime(model, manifest))
        memory.settle()
        return loaded

    def _report(self, manifest: Manifest, loading: asyncio.Task[Loaded]) -> None:
        """Tell of a champion that cannot be loaded: no request is refused that would tell of it."""
        if not loading.cancelled() and (error := loading.exception()) is not None:
            self.telemetry.exception(error, model=manifest.model, version=manifest.version)


def _key(manifest: Manifest) -> tuple[str, str]:
    return manifest.model, manifest.version


def _has_failed(loading: asyncio.Task[Loaded]) -> bool:
    return loading.done() and (loading.cancelled() or loading.exception() is not None)
