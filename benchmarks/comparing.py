"""Comparing two files, by Driftline and by others: how long it takes, in how much memory, and whether they agree."""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.processes import ONE_THREAD
from infra.local.processes import HERE

PEERS: Final = HERE / "benchmarks/peers"

Values: TypeAlias = Mapping[str, Mapping[str, float | None]]
"""What a tool found, by feature and metric. A metric has our name where its definition is ours."""

DIGITS: Final = 1e-6
"""Values that differ by less are equal: relatively, or absolutely where one of them is 0."""

_SMALLEST: Final = 1e-30
"""Smaller p-values are taken for 0: some tools hold them in single precision, which has no more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that compares two files.

    Attributes:
        name: what the figures are printed under.
        command: what is run, before the two paths.
    """

    name: str
    command: tuple[str, ...]

    @property
    def is_installed(self) -> bool:
        """Return whether its environment was set up to the end."""
        interpreter = Path(self.command[0])
        return interpreter == Path(sys.executable) or (interpreter.parents[1] / "ready").exists()


def _peer(name: str, environment: str, program: str) -> Tool:
    return Tool(name=name, command=(str(PEERS / f".venv-{environment}/bin/python"), str(PEERS / program)))


DRIFTLINE: Final = Tool(name="driftline", command=(sys.executable, "manage.py", "compare", "--json"))
FLOOR: Final = Tool(name="decode and sort", command=(sys.executable, "-m", "benchmarks.floor"))
PRESET: Final = _peer("evidently, preset", "evidently", "evidently_preset.py")
FUNCTIONS: Final = _peer("evidently, functions", "evidently", "evidently_functions.py")
NANNYML: Final = _peer("nannyml", "nannyml", "nannyml_univariate.py")
WHYLOGS: Final = _peer("whylogs", "whylogs", "whylogs_drift.py")
ALIBI: Final = _peer("alibi-detect", "alibi-detect", "alibi_detect_drift.py")
FROUROS: Final = _peer("frouros", "frouros", "frouros_drift.py")

TOOLS: Final = (DRIFTLINE, FLOOR, PRESET, FUNCTIONS, NANNYML, WHYLOGS, ALIBI, FROUROS)

JOINTLY: Final = {
    DRIFTLINE: Tool(name="driftline, jointly", command=(*DRIFTLINE.command, "--joint")),
    ALIBI: _peer("alibi-detect, jointly", "alibi-detect-joint", "alibi_detect_joint.py"),
    FROUROS: _peer("frouros, jointly", "frouros", "frouros_joint.py"),
}
"""What else is run of those that have a maximum mean discrepancy: ours with all other metrics, theirs with nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one tool, its children included: CPU seconds, peak memory, and what it printed."""

    cpu_s: float
    peak_mib: float
    printed: bytes

    @property
    def values(self) -> Values:
        """Return what it found; libraries may print before it."""
        answer: dict[str, Any] = json.loads(self.printed.strip().splitlines()[-1])
        if "comparisons" not in answer:
            return answer
        values = {one["feature"]: {**one["metrics"], **_named(one["p_values"])} for one in answer["comparisons"]}
        for one in answer.get("joint", ()):
            values[one["features"]] = {one["metric"]: one["value"], f"{one['metric']}_p_value": one["p_value"]}
        return values

    @property
    def joint_rows(self) -> int | None:
        """Return how many rows a side were compared jointly; None for as many as there are, or for none."""
        rows = self.values.get("all features", {}).get("rows")
        return None if rows is None else round(rows)


def run(command: Sequence[str], baseline: Path, current: Path) -> Run:
    """Run a tool from the root of the checkout.

    Raises:
        CalledProcessError: it failed; why is on standard error.
    """
    environment = {**os.environ, **ONE_THREAD, "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryFile() as complaints:
        command = [*command, str(baseline), str(current)]
        with subprocess.Popen(command, cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=complaints) as started:
            assert started.stdout is not None  # noqa: S101 - it is a pipe
            printed = started.stdout.read()
            _, status, used = os.wait4(started.pid, 0)
            started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            complaints.seek(0)
            sys.stderr.write(complaints.read().decode(errors="replace"))
            raise subprocess.CalledProcessError(started.returncode, command)
    return Run(cpu_s=used.ru_utime + used.ru_stime, peak_mib=used.ru_maxrss / 1024, printed=printed)


def differences(ours: Values, theirs: Values) -> Iterator[tuple[str, int, float | None]]:
    """Yield each metric that both define alike, how many features have it, and how far apart its values are at most.

    That is relative to the other's value; absolute where either is 0, or so small that it may have been lost. None where no
    feature has it on both sides: nothing was compared then, and nothing has agreed.
    """
    shared = {metric for metrics in theirs.values() for metric in metrics} & {
        metric for metrics in ours.values() for metric in metrics
    }
    for metric in sorted(shared):
        pairs = [
            (mine, other)
            for feature, metrics in theirs.items()
            if (other := metrics.get(metric)) is not None and (mine := ours.get(feature, {}).get(metric)) is not None
        ]
        yield metric, len(pairs), max((_apart(mine, other) for mine, other in pairs), default=None)


def furthest(found: Sequence[float | None]) -> float | None:
    """Return the largest of the differences; None where there is none, or one of them could not be had."""
    known = [one for one in found if one is not None]
    return max(known) if known and len(known) == len(found) else None


def _apart(mine: float, other: float) -> float:
    if mine == other:
        return 0.0
    apart = abs(mine - other)
    relative = apart / abs(other) if min(abs(mine), abs(other)) > _SMALLEST else apart
    # the largest of some numbers and NaN is whichever comes first
    return math.inf if math.isnan(relative) else relative


def _named(p_values: Mapping[str, float]) -> dict[str, float]:
    return {f"{metric}_p_value": value for metric, value in p_values.items()}
