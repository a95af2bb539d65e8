"""How challengers did beside the champion on rows held out, as it is stored: once, and for good."""

import contextlib
import hashlib
from dataclasses import dataclass
from typing import Final

from shared import documents
from shared.blobs import Blobs
from shared.documents import Document
from shared.errors import BlobChanged
from shared.retraining.held_out import HeldOut

COMPARISONS: Final = "monitoring/comparisons/"
"""By model and version of the challenger."""


class HeldOutComparison(Document, frozen=True, kw_only=True):
    """A challenger beside the champion there was when it was registered; what they lost, and nothing of any row.

    Attributes:
        champion: with which it is compared.
        challenger: the version that is.
        dataset: on whose test part: the name is the SHA-256 of its rows.
        result: how both did.
        inputs: the SHA-256 of the models that were asked, by path.
    """

    model: str
    champion: str
    challenger: str
    dataset: str
    result: HeldOut
    inputs: dict[str, str]

    @property
    def path(self) -> str:
        """Return where it is stored: it is called after the champion and its content."""
        digest = hashlib.sha256(documents.encode(self)).hexdigest()[:16]
        return f"{COMPARISONS}model={self.model}/version={self.challenger}/{self.champion}-{digest}.json"


@dataclass(slots=True)
class HeldOutStore:
    """Keeps comparisons."""

    blobs: Blobs

    async def store(self, comparison: HeldOutComparison) -> None:
        """Store a comparison; the same one again is the same."""
        with contextlib.suppress(BlobChanged):  # it is called after its content
            await self.blobs.create(comparison.path, documents.encode(comparison))
