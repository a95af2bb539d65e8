"""What joining costs is measured."""

import os

from benchmarks.processes import answer_of


def test_the_benchmark_of_joining_joins_every_prediction_and_the_same_again() -> None:
    """A join that leaves some out, or pairs them wrongly, costs something else."""
    report = answer_of("-m", "benchmarks.joining", "--rows", "3000", "--json", environment=os.environ)

    first, second = report["results"]
    assert (first["rows"], first["wrong"]) == (3_000, 0)
    assert first["sha256"] == second["sha256"]
    assert all(target["holds"] for target in report["targets"][2:])
