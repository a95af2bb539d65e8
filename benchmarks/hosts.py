"""Functions hosts to load: the apps whose scoring is compared, over one storage and one hub."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.models import Trained, inputs, train
from benchmarks.processes import answer_of, cpu_seconds
from infra.local.processes import Process
from infra.local.system import System

MODEL: Final = "benchmark"
BARE: Final = "bare"
CAPTURE_OFF: Final = "capture off"
CAPTURE_ON: Final = "capture on"

_BODIES = 64


@dataclass(frozen=True, slots=True)
class Bench:
    """A running system with a registered model, and files of requests by their rows."""

    system: System
    trained: Trained
    bodies: Mapping[int, Path]

    @classmethod
    @contextmanager
    def running(cls, folder: Path, *, rows: Sequence[int], seed: int) -> Iterator["Bench"]:
        """Start storage, the hub and the sinks; requests have so many ``rows``."""
        system = System.in_folder(folder / "system")
        trained = train(folder, seed=seed)
        try:
            system.start_azurite()
            system.start_hub()
            system.start_sinks()
            trained.register(MODEL, environment=system.environment)
            yield cls(system, trained, {some: _write_bodies(folder, some, seed=seed) for some in rows})
        finally:
            system.stop()

    @contextmanager
    def host(self, subject: str) -> Iterator[Process]:
        """Run the functions host with the app of a subject."""
        app = Path(__file__).parent / ("bare_app" if subject == BARE else "score_app")
        settings = {"CAPTURE": "true" if subject == CAPTURE_ON else "false", "BARE_MODEL": str(self.trained.model)}
        command = [sys.executable, "-m", "infra.local.host", "--port", "0", "--data", str(self.system.folder / "host")]
        process = Process.start(
            subject,
            [*command, "--app", str(app)],
            log=self.system.folder / f"{subject}.log",
            env={**self.system.environment, **settings},
        )
        try:
            yield process.wait_for_ready_line()
        finally:
            process.stop()

    def load(self, host: Process, *, rows: int, clients: int, seconds: float) -> dict[str, float]:
        """Load a host for a while, and return its figures."""
        url = f"http://127.0.0.1:{host.port}/api/models/{MODEL}/score"
        options = (f"--key={self.system.key()}", "--bodies", str(self.bodies[rows]))  # a key may begin with a dash
        how = ("--clients", str(clients), "--seconds", str(seconds))
        before_s = cpu_seconds(host.child.pid)
        figures = answer_of("-m", "benchmarks.load", url, *options, *how, environment=self.system.environment)
        spent_s = cpu_seconds(host.child.pid) - before_s
        return {**figures, "cpu_us": spent_s / figures["requests"] * 1e6}


def _write_bodies(folder: Path, rows: int, *, seed: int) -> Path:
    file = folder / f"bodies-{rows}.jsonl"
    values = inputs(_BODIES * rows, seed=seed + 1).reshape(_BODIES, rows, -1)
    file.write_text("".join(json.dumps({"data": body.tolist()}) + "\n" for body in values))
    return file
