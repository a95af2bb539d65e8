"""One judgement of all signals of one version over one window, as it is stored."""

import hashlib
from dataclasses import dataclass

from shared import documents
from shared.blobs import Blobs
from shared.documents import Document
from shared.errors import BlobChanged, NoEvaluation
from shared.monitoring.performance_report import PerformanceReport
from shared.signals.judgement import Judgement


class Evaluation(Document, frozen=True, kw_only=True):
    """What was judged, and from what: the same inputs and configuration give the same bytes.

    Attributes:
        start: key of the window's first hour.
        end: key of the first hour after the window.
        rows: predictions in the window.
        baseline: the folder of the baseline it was compared with.
        bins: digest of the bins both sides are counted over.
        config: SHA-256 of the configuration.
        history: SHA-256 of the looks that said what is usual.
        is_calibrating: whether these are too few yet, of any signal that needs them.
        versions: how many versions of the model shared its budget of false alarms.
        is_champion: whether it was the one that answers.
        inputs: the SHA-256 of every document that was read, of the baseline, of days and at the ends of hours, by path.
        judgements: one for each signal.
        performance: how good answers were, and how good they should be; None where no actuals are known.
    """

    model: str
    version: str
    start: str
    end: str
    rows: int
    baseline: str
    bins: str
    config: str
    history: str
    is_calibrating: bool
    versions: int
    is_champion: bool
    inputs: dict[str, str]
    judgements: tuple[Judgement, ...]
    performance: PerformanceReport | None = None


class Newest(Document, frozen=True, kw_only=True):
    """Which evaluation of a version is the newest one, and which window it is about."""

    end: str
    path: str


@dataclass(slots=True)
class Evaluations:
    """Every evaluation that is kept: ``outlived`` says how long."""

    blobs: Blobs

    async def evaluated_until(self, model: str, version: str) -> str:
        """Return the end of the newest window that was evaluated; empty when none was."""
        newest = await documents.find(self.blobs, _newest_path(model, version), Newest)
        return newest.end if newest else ""

    async def store(self, evaluation: Evaluation) -> str:
        """Store an evaluation under the name of its content, and return its path."""
        data = documents.encode(evaluation)
        name = f"{evaluation.end}-{hashlib.sha256(data).hexdigest()[:16]}.json"
        path = f"{_folder(evaluation.model, evaluation.version)}{name}"
        try:
            await self.blobs.create(path, data)
        except BlobChanged:
            return path  # the same evaluation was stored before
        return path

    async def point_to(self, evaluation: Evaluation, path: str) -> None:
        """Make an evaluation the newest one of its version, unless one of a later window is."""
        this = Newest(end=evaluation.end, path=path)

        def forward(old: Newest | None) -> Newest:
            return old if old is not None and old.end > this.end else this

        await documents.swap(self.blobs, _newest_path(evaluation.model, evaluation.version), Newest, forward)

    async def newest(self, model: str, version: str) -> Evaluation:
        """Return the newest evaluation of a version.

        Raises:
            NoEvaluation: there is none yet.
        """
        newest = await documents.find(self.blobs, _newest_path(model, version), Newest)
        if newest is None:
            raise NoEvaluation(model)
        return (await documents.read(self.blobs, newest.path, Evaluation))[0]


def _folder(model: str, version: str) -> str:
    return f"monitoring/evaluations/model={model}/version={version}/"


def _newest_path(model: str, version: str) -> str:
    return f"{_folder(model, version)}_newest.json"
