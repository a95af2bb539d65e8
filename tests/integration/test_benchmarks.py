"""Benchmarks run, and say what they found out."""

import os

import pytest

from benchmarks.alarms import Cell, _targets, measure
from benchmarks.peer_rules import PEERS
from benchmarks.processes import answer_of


def test_the_benchmark_of_capture_ends_with_a_line_of_figures_and_targets() -> None:
    """Figures in the README are quoted from that line: one that cannot be had again has no source."""
    report = answer_of("-m", "benchmarks.capture", "--quick", "--json", "--rows", "2000", environment=os.environ)

    measures = {result["measure"].split(":")[0].split(" of ")[0].split(",")[0] for result in report["results"]}
    assert measures == {"capture", "price", "sealing records", "sealing", "an hour"}
    assert len(report["targets"]) == 8
    assert all(target.keys() == {"name", "value", "target", "unit", "holds"} for target in report["targets"])
    assert report["machine"].keys() == {"cpus", "memory_gib", "python", "load"}


def test_the_benchmark_of_looks_calibrates_every_look_and_reads_days() -> None:
    """A look that reads hours, or that is judged without a history, costs something else."""
    report = answer_of("-m", "benchmarks.looks", "--quick", "--json", environment=os.environ)

    month, days = report["results"]
    assert (month["looks"], month["days_read_a_look"]) == (1, 30)
    assert (days["looks"], days["calibrating"]) == (30, 0)
    assert all(target["value"] > 0 for target in report["targets"])


def test_the_benchmark_of_drift_measures_ours_and_says_what_it_could_not_measure() -> None:
    """A tool that was not measured must not look as if it had been beaten."""
    options = ("--quick", "--json", "--rows", "3000", "--only", "driftline")
    report = answer_of("-m", "benchmarks.drift", *options, environment=os.environ)

    targets = {target["name"]: target for target in report["targets"]}
    assert targets["nannyml: CPU"] | {"target": 0} == {
        "name": "nannyml: CPU", "value": None, "target": 0, "unit": "times ours", "holds": False,
    }  # fmt: skip
    jointly = [target for name, target in targets.items() if name.endswith("CPU jointly, of no more rows")]
    assert [(target["value"], target["holds"]) for target in jointly] == [(None, False)] * 2
    tools = {one["tool"]: one for one in report["results"] if "tool" in one}
    ours = tools["driftline"]
    assert ours["values"] == 40 * 9 + 10 * 8
    assert ours["cpu_s"] > 0 < ours["peak_mib"]
    assert (ours["joint_rows"], ours["joint_cpu_s"] > ours["cpu_s"]) == (3000, True)
    assert [tools[name]["joint_cpu_s"] for name in ("decode and sort", "nannyml", "frouros")] == [None] * 3
    assert all(targets[f"{metric} from profiles"]["holds"] for metric in ("ks", "wasserstein_normalised", "psi"))
    assert targets["a profile"]["holds"]
    assert targets["a profile"]["value"] > 900, "the sample that sealing writes is missing"
    looks = [(one["days"], one["each"], one["calibrated"]) for one in report["results"] if "calibrated" in one]
    assert looks == [(30, "hour", "no"), (30, "hour", "no"), (1, "day", "yes"), (1, "hour", "yes")]


@pytest.mark.parametrize("null", ["independent", "autocorrelated", "season"])
def test_the_benchmark_of_alarms_counts_what_is_opened_and_what_is_found(null: str) -> None:
    """Two versions say nothing of the rate; that each shift is looked for, by ours and by all others, they do."""
    cells = [Cell(null, 50, 200, 2, 1, is_hourly=hourly) for hourly in (False, True)]

    results = [result for cell in cells for result in measure(cell)]

    alerts = [one for one in results if one["measure"] == "alerts a month"]
    found = [one for one in results if one["measure"] == "found"]
    assert [one["looks"] for one in alerts] == ["daily", "hourly"]
    assert all(float(one["low"]) <= float(one["alerts"]) <= float(one["high"]) for one in alerts)
    assert len({(one["moved"], one["by"]) for one in found}) == len(found) == 9
    assert all(0.0 <= float(one[name]) <= 1.0 for one in found for name in ("driftline", "with_floor", *PEERS))
    assert max(float(one["driftline"]) for one in found) > 0.0
    assert [one.value is not None for one in _targets(results)] == [True] * 5
