"""What stops the start, and what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.processes import HERE
from tests.integration.host.system import Sandbox

HOST_JSON = '{"version": "2.0"}'


def refused(sandbox: Sandbox, folder: Path, *options: str, without: tuple[str, ...] = ()) -> str:
    """Start an app that must not start; return what was said."""
    environment = {name: value for name, value in sandbox.environment().items() if name not in without}
    command = [
        sys.executable,
        "-m",
        "infra.local.host",
        "--port",
        "0",
        "--data",
        str(folder / "d"),
        "--app",
        str(folder),
    ]
    ended = subprocess.run(
        [*command, *options], env=environment, cwd=HERE, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    return ended.stderr


def write_app(folder: Path, text: str) -> Path:
    (folder / "function_app.py").write_text(text)
    (folder / "host.json").write_text(HOST_JSON)
    return folder


@pytest.mark.parametrize("engine", ["public", "auto"])
def test_an_app_that_cannot_be_imported_says_why(sandbox: Sandbox, tmp_path: Path, engine: str) -> None:
    folder = write_app(tmp_path, "import azure.functions\nimport no_such_module\n")

    assert "no_such_module" in refused(sandbox, folder, "--engine", engine)


def test_of_invalid_settings_only_the_message_is_shown(sandbox: Sandbox, tmp_path: Path) -> None:
    """It is meant for people, and a traceback hides it."""
    text = "from shared.errors import InvalidSettings\nraise InvalidSettings(('A is missing', 'B is no number'))\n"

    said = refused(sandbox, write_app(tmp_path, text))

    assert said == "the settings do not hold:\n  A is missing\n  B is no number\n"


def test_every_missing_setting_is_named(sandbox: Sandbox) -> None:
    said = refused(sandbox, HERE / "tests/integration/host/app", without=("EVENTS", "HUB", "TICKS"))

    assert said == "settings are missing: EVENTS, HUB, TICKS\n"


def test_an_annotation_that_the_worker_cannot_read_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    """It would run here and not in Azure."""
    text = (
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.event_hub_message_trigger(arg_name='e', event_hub_name='h', connection='EVENTS',"
        " cardinality=func.Cardinality.MANY)\n"
        "def f(e: list[func.EventHubEvent]) -> None: ...\n"
    )

    assert "typing.List" in refused(sandbox, write_app(tmp_path, text), "--engine", "public")


def test_without_an_app_nothing_starts(sandbox: Sandbox, tmp_path: Path) -> None:
    assert "host.json" in refused(sandbox, tmp_path)
    (tmp_path / "host.json").write_text(HOST_JSON)
    assert "function_app.py" in refused(sandbox, tmp_path)


def test_a_settings_file_fills_in_what_the_environment_lacks(sandbox: Sandbox, tmp_path: Path) -> None:
    """Only TICKS is wrong in the file, and only it is not in the environment."""
    settings = tmp_path / "local.settings.json"
    settings.write_text(json.dumps({"Values": {"TICKS": "never", "HUB": "%%%"}}))

    said = refused(sandbox, HERE / "tests/integration/host/app", "--settings", str(settings), without=("TICKS",))

    assert "ticking: schedule 'never'" in said
