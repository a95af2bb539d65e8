"""What a process that only scores has loaded."""

from pathlib import Path

from benchmarks.models import train
from benchmarks.processes import answer_of
from infra.local.system import System


def test_scoring_loads_no_data_frames(tmp_path: Path) -> None:
    """One of them, pandas, costs 600 ms and 60 MB in every instance, and half a millisecond in every request it touches."""
    trained = train(tmp_path, seed=1)
    system = System.in_folder(tmp_path / "system", settings={"CAPTURE": "false"})
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text('{"data":[[' + ",".join(["0.5"] * 30) + "]]}\n")
    try:
        system.start_azurite()
        trained.register("light", environment=system.environment)
        options = ("--model", str(trained.model), "--bodies", str(bodies), "--calls", "100")

        found = answer_of("-m", "benchmarks.in_process", "light", *options, environment=system.environment)
    finally:
        system.stop()

    assert found["loaded"] == []
