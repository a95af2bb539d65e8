"""What keeping costs: ``python -m benchmarks.capture [--rows N] [--hour N] [--seed S] [--json] [--quick]``.

* **Capture**: from a received event to its append, our own part beside what Azure's clients take: the Event Hubs client
  that receives, the worker's library that hands over, the storage client that appends.
* **Price**: what a scored request costs with capture, whose acknowledgement it waits for, and without. Both hosts take
  turns; CPU is that of the host's process.
* **Sealing**: from raw lines in memory to Parquet, profile and manifest, and stage by stage. Values are as measurements
  are, most of them rounded; floats of full precision are shown apart, as the worst there is.
* **Hour**: an hour sealed from storage into storage, in a process whose memory is looked at when it ends. The figures
  are of 5 million records (``--hour 5000000``), which take 7 GB of storage and some minutes.

CPU is in seconds of the processes that are measured, and every figure is the median of the rounds.
"""

import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from benchmarks.hosts import CAPTURE_OFF, CAPTURE_ON, Bench
from benchmarks.processes import answer_of
from benchmarks.reporting import Machine, Report, Result, Target, arguments
from benchmarks.sealing import FEATURES

CLIENTS: Final = (1, 32)
RECORDS_AN_EVENT: Final = (1, 20)

_VALUES: Final[Mapping[str, Sequence[str]]] = {"rounded": (), "full precision": ("--full-precision",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: rounds, seconds of load in one, records received in one, records of the sealed hour."""

    rounds: int
    seconds: float
    received: int
    hour: int


THOROUGH: Final = Effort(rounds=5, seconds=2.0, received=4_000, hour=400_000)
QUICK: Final = Effort(rounds=1, seconds=0.3, received=800, hour=5_000)


def main() -> None:
    """Measure, and print the report."""
    parser = arguments(__doc__, rows=50_000)
    parser.add_argument("--hour", type=int, help=f"records of the hour that is sealed (default {THOROUGH.hour:,})")
    asked = parser.parse_args()
    effort = QUICK if asked.quick else THOROUGH
    machine = Machine.this()
    with (
        tempfile.TemporaryDirectory(prefix="driftline-benchmark-") as folder,
        Bench.running(Path(folder), rows=(1,), seed=asked.seed) as bench,
    ):
        results = [
            *_capture(bench, effort, seed=asked.seed),
            *_price(bench, effort),
            *_sealing(bench, effort, rows=asked.rows, seed=asked.seed),
            _hour(bench, records=asked.hour or effort.hour, seed=asked.seed),
        ]
    report = Report(benchmark="capture", machine=machine, results=results, targets=_targets(results))
    if not asked.json:
        report.show()
    print(report.line())


def _capture(bench: Bench, effort: Effort, *, seed: int) -> Iterator[Result]:
    settings = bench.system.settings
    for records in RECORDS_AN_EVENT:
        # The client receives events in batches, so that there must be some hundreds of them.
        events = max(effort.received // records, 500)
        found = _asked(
            bench,
            "benchmarks.receiving",
            options={
                "--events-connection": settings["EVENTS"],
                "--storage": settings["STORAGE"],
                "--records": records,
                "--events": events,
                "--rounds": effort.rounds,
                "--seed": seed,
            },
        )
        yield {
            "measure": "capture: µs of CPU an event",
            "records_an_event": records,
            **{f"{who}_us": round(spent_s * 1e6, 2) for who, spent_s in found.items()},
            "own_us_a_record": round(found["own"] / records * 1e6, 2),
            "own_to_client": round(found["own"] / found["client"], 3),
        }


def _price(bench: Bench, effort: Effort) -> Iterator[Result]:
    measured: dict[tuple[str, int], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        hosts = {subject: stack.enter_context(bench.host(subject)) for subject in (CAPTURE_OFF, CAPTURE_ON)}
        progress = stack.enter_context(Progress(console=Console(stderr=True)))
        task = progress.add_task("over HTTP", total=effort.rounds * len(CLIENTS) * len(hosts))
        for host in hosts.values():
            bench.load(host, rows=1, clients=1, seconds=effort.seconds)
        for _, clients, (subject, host) in product(range(effort.rounds), CLIENTS, hosts.items()):
            figures = bench.load(host, rows=1, clients=clients, seconds=effort.seconds)
            measured.setdefault((subject, clients), []).append(figures)
            progress.advance(task)
    for clients in CLIENTS:
        yield _compared(clients, measured[CAPTURE_OFF, clients], measured[CAPTURE_ON, clients])


def _compared(clients: int, off: Sequence[Mapping[str, float]], on: Sequence[Mapping[str, float]]) -> Result:
    rounds = list(zip(off, on, strict=True))

    def median(values: Iterator[float]) -> float:
        return round(statistics.median(values), 3)

    return {
        "measure": "price of capture",
        "clients": clients,
        "cpu_us_off": median(one["cpu_us"] for one in off),
        "cpu_us_on": median(one["cpu_us"] for one in on),
        "cpu_times": median(b["cpu_us"] / a["cpu_us"] for a, b in rounds),
        **{
            f"{figure}_{how}": value
            for figure in ("p50_ms", "p99_ms")
            for how, value in (
                ("off", median(one[figure] for one in off)),
                ("on", median(one[figure] for one in on)),
                ("added", median(b[figure] - a[figure] for a, b in rounds)),
            )
        },
    }


def _sealing(bench: Bench, effort: Effort, *, rows: int, seed: int) -> Iterator[Result]:
    for values, told in _VALUES.items():
        found = _asked(
            bench,
            "benchmarks.sealing",
            "speed",
            *told,
            options={"--records": rows, "--rounds": effort.rounds, "--seed": seed},
        )
        spent_s = found["spent_s"]
        yield {
            "measure": f"sealing records of {FEATURES} features",
            "values": values,
            "records": rows,
            "records_a_second": round(rows / spent_s["whole"]),
            "cells_a_second": round(rows * FEATURES / spent_s["whole"]),
            "log_bytes_a_record": round(found["log_bytes"] / rows, 1),
            "bytes_a_record": round(found["rows_bytes"] / rows, 1),
        }
        stages = {f"{stage}_us": round(stage_s / rows * 1e6, 2) for stage, stage_s in spent_s.items()}
        yield {"measure": "sealing: µs of CPU a record", "values": values, **stages}


def _hour(bench: Bench, *, records: int, seed: int) -> Result:
    storage = bench.system.settings["STORAGE"]
    _asked(bench, "benchmarks.sealing", "fill", options={"--storage": storage, "--records": records, "--seed": seed})
    found = _asked(bench, "benchmarks.sealing", "seal", options={"--storage": storage})
    return {
        "measure": "an hour, from storage to storage",
        "records": found["records"],
        "generations": found["generations"],
        "peak_mib": round(found["peak_mib"]),
        "cpu_s": round(found["spent_s"], 2),
        "bytes_a_record": round(found["rows_bytes"] / found["records"], 1),
    }


def _asked(bench: Bench, module: str, *arguments: str, options: Mapping[str, str | int]) -> dict[str, Any]:
    """Run a part of the benchmark in a process of its own."""
    told = [text for name, value in options.items() for text in (name, str(value))]
    return answer_of("-m", module, *arguments, *told, environment=bench.system.environment)


def _targets(results: Sequence[Result]) -> list[Target]:
    def found(measure: str, figure: str, **which: str | int) -> float:
        (one,) = (one for one in results if str(one["measure"]).startswith(measure) and which.items() <= one.items())
        return float(one[figure])

    hour = found("an hour", "records")
    speed = f"sealing records of {FEATURES} features"
    return [
        Target.at_most(
            0.25,
            found("capture:", "own_to_client", records_an_event=1),
            name="capture of an event of 1 record of 30 features",
            unit="of the Event Hubs client's CPU for it",
        ),
        Target.at_most(
            3.0,
            found("capture:", "own_us_a_record", records_an_event=20),
            name="capture of a record of 30 features, 20 an event",
            unit="µs of CPU",
        ),
        Target.at_most(
            1.25,
            found("price", "cpu_times", clients=32),
            name="a request with capture, 32 clients",
            unit="times the CPU of one without",
        ),
        Target.at_most(
            3.0, found("price", "p50_ms_added", clients=32), name="capture adds to p50, 32 clients", unit="ms"
        ),
        Target.at_most(
            15.0, found("price", "p99_ms_added", clients=32), name="capture adds to p99, 32 clients", unit="ms"
        ),
        Target.at_least(
            2_500_000, found(speed, "cells_a_second", values="rounded"), name="sealing", unit="cells a second and core"
        ),
        Target.at_most(
            300,
            found(speed, "bytes_a_record", values="rounded"),
            name=f"a record of {FEATURES} features at rest",
            unit="bytes",
        ),
        Target.at_most(
            1024, found("an hour", "peak_mib"), name=f"memory to seal an hour of {hour:,.0f} records", unit="MiB"
        ),
    ]


if __name__ == "__main__":
    main()
