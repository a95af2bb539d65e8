"""What comparing costs is measured."""

import os

from benchmarks.processes import answer_of


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
