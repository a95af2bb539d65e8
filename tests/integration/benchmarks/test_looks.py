"""What looking costs is measured."""

import os

from benchmarks.processes import answer_of


def test_the_benchmark_of_looks_calibrates_every_look_and_reads_days() -> None:
    """A look that reads hours, or that is judged without a history, costs something else."""
    report = answer_of("-m", "benchmarks.looks", "--quick", "--json", environment=os.environ)

    month, days = report["results"]
    assert (month["looks"], month["days_read_a_look"]) == (1, 30)
    assert (days["looks"], days["calibrating"]) == (30, 0)
    assert all(target["value"] > 0 for target in report["targets"])
