"""requirements.txt is what Azure installs: exactly what the app runs on, and small enough."""

import sys
import tomllib
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.local.processes import HERE

MOST_BYTES = 720 * 1024 * 1024
"""A hundred of them are DuckDB and Ibis, for the datasets that the app builds."""


def _pinned() -> list[Requirement]:
    lines = (HERE / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def _bounds() -> list[Requirement]:
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in project["dependencies"]]


def test_every_dependency_is_pinned_once_for_every_python() -> None:
    for minor in (11, 12, 13):
        environment = {"python_version": f"3.{minor}"}
        pinned = [one for one in _pinned() if one.marker is None or one.marker.evaluate(environment)]
        bounds = [one for one in _bounds() if one.marker is None or one.marker.evaluate(environment)]

        names = [canonicalize_name(one.name) for one in pinned]
        assert sorted(names) == sorted(canonicalize_name(one.name) for one in bounds)
        by_name = {canonicalize_name(one.name): one for one in bounds}
        for one in pinned:
            (pin,) = one.specifier
            assert pin.operator == "=="
            assert by_name[canonicalize_name(one.name)].specifier.contains(pin.version), one


def test_what_azure_installs_stays_small() -> None:
    """The remote build has a minute; what it builds is copied to every instance."""
    wanted = {canonicalize_name(one.name) for one in _pinned()}
    installed = {canonicalize_name(one.name): one for one in distributions()}
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in installed:
            continue
        seen.add(name)
        needs = [Requirement(line) for line in installed[name].requires or ()]
        wanted |= {
            canonicalize_name(one.name) for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})
        }

    size = sum(_size(Path(str(file.locate()))) for name in seen for file in distribution(name).files or ())
    assert len(seen) > len(_bounds()), "the dependencies of the dependencies were not found"
    assert size < MOST_BYTES, f"{size / 1024 / 1024:.0f} MB on Python {sys.version_info.minor}"


def test_nothing_of_the_local_system_is_installed_in_azure() -> None:
    names = {canonicalize_name(one.name) for one in _pinned()}

    assert not names & {"uvicorn", "starlette", "scikit-learn", "skl2onnx", "rich", "azure-functions-runtime"}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
