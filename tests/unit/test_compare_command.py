"""``manage.py compare``: the door to the exact metrics, for people and for programs."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import manage


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Write a baseline as Parquet, and as CSV rows of which one feature has moved."""
    rng = np.random.default_rng(1)
    before, now = (
        pa.table(
            {
                "_id": [f"{mean}-{row}" for row in range(400)],
                "temp": rng.normal(mean, size=400),
                "kind": rng.choice(["a", "b"], size=400),
                "note": pa.array([None] * 400, type=pa.binary()) if mean == 0 else ["x"] * 400,
            }
        )
        for mean in (0.0, 1.0)
    )
    paths = [tmp_path / "before.parquet", tmp_path / "now.csv"]
    pq.write_table(before, paths[0])
    pyarrow.csv.write_csv(now, paths[1])
    return [str(path) for path in paths]


def test_programs_get_every_metric_and_why_one_is_missing(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Columns that sealed hours have of their own are left out: ids always differ."""
    assert manage.main(["compare", *files, "--json"]) == 0

    found = {one["feature"]: one for one in json.loads(capsys.readouterr().out)["comparisons"]}
    assert found.keys() == {"temp", "kind", "note"}
    assert found["temp"]["metrics"]["mean_shift"] == pytest.approx(1.0, abs=0.2)
    assert found["temp"]["p_values"]["ks"] < 1e-6 < found["kind"]["p_values"]["chi_squared"]
    assert "cannot be compared" in found["note"]["unknown"]


def test_people_get_a_table(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert manage.main(["compare", *files]) == 0

    shown = capsys.readouterr().out
    assert all(word in shown for word in ("temp", "kind", "note: binary before and string now cannot be compared"))


def test_how_columns_go_together_is_said_when_it_is_asked(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It reads the rows once more, which whoever asks about columns need not pay for."""
    manage.main(["compare", *files, "--json"])
    without = json.loads(capsys.readouterr().out)
    manage.main(["compare", *files, "--json", "--joint"])
    found = json.loads(capsys.readouterr().out)
    manage.main(["compare", *files, "--joint"])
    shown = capsys.readouterr().out

    assert found == without | {"joint": found["joint"]}
    mmd, correlation = found["joint"]
    assert (mmd["metric"], mmd["features"]) == ("mmd_gaussian", "all features")
    assert mmd["p_value"] < 1e-6 < correlation["p_value"]
    assert correlation["features"] == "temp and kind"
    assert all(word in shown for word in ("all features", "mmd gaussian", "temp and kind", "correlation change"))


def test_files_with_nothing_in_common_are_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"{name}\n1\n2\n")

    assert manage.main(["compare", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--joint"]) == 0

    assert "there is nothing to compare jointly" in capsys.readouterr().out


def test_a_design_effect_below_one_is_refused(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        manage.main(["compare", *files, "--design-effect", "0.5"])

    assert "'0.5' is no number of rows, 1 or more" in capsys.readouterr().err


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path, files: list[str]) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"not Parquet")

    with pytest.raises(SystemExit, match=r"bad\.parquet cannot be read"):
        manage.main(["compare", files[0], str(tmp_path / "bad.parquet")])
