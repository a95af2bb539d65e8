"""What keeping costs is measured."""

import os

from benchmarks.processes import answer_of


def test_the_benchmark_of_capture_ends_with_a_line_of_figures_and_targets() -> None:
    """Figures are quoted from that line: one that cannot be had again has no source."""
    report = answer_of("-m", "benchmarks.capture", "--quick", "--json", "--rows", "2000", environment=os.environ)

    measures = {result["measure"].split(":")[0].split(" of ")[0].split(",")[0] for result in report["results"]}
    assert measures == {"capture", "price", "sealing records", "sealing", "an hour"}
    assert len(report["targets"]) == 8
    assert all(target.keys() == {"name", "value", "target", "unit", "holds"} for target in report["targets"])
    assert report["machine"].keys() == {"cpus", "memory_gib", "python", "load"}
