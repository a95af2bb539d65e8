"""What a dataset costs is measured."""

import os
from pathlib import Path

from benchmarks.processes import answer_of, watched


def test_the_benchmark_of_datasets_builds_the_same_sample_twice_and_weighs_it(tmp_path: Path) -> None:
    """A build whose rows are others the next time, or whose weights are wrong, costs something else."""
    options = ("--rows", "3000", "--days", "1", "--data", str(tmp_path), "--json")
    report = answer_of("-m", "benchmarks.datasets", *options, environment=os.environ)

    whole = [one for one in report["results"] if one["measure"].startswith("whole")]
    assert [one["drawn"] for one in whole] == [300, 300]
    assert whole[0]["dataset"] == whole[1]["dataset"]
    steps = [one["step"] for one in report["results"] if one["measure"].startswith("build")]
    assert steps == ["scout", "levels", "count", "border", "cuts", "rows", "finish"]
    assert all(target["holds"] for target in report["targets"])


def test_a_process_that_takes_more_memory_than_it_may_is_ended() -> None:
    """Else the machine's memory, and not the bound, would say how many rows pandas survives."""
    taken = "import json, time; taken = bytearray(300_000_000); print(json.dumps({'bytes': len(taken)}))"

    found = watched("-c", taken.replace("print", "time.sleep(60); print"), most_bytes=200 << 20, environment=os.environ)
    enough = watched("-c", taken, most_bytes=600 << 20, environment=os.environ)

    assert found.answer is None
    assert found.seconds < 60
    assert enough.answer == {"bytes": 300_000_000}
    assert 300_000_000 < enough.peak_bytes < 600 << 20
