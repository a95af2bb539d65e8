"""Settings are the same in the code, the sample file, the chapter on infra and the template."""

import json
import re
from dataclasses import MISSING, fields
from typing import Any

from infra.local.processes import HERE
from shared.settings import Settings, variable
from tests.documents import chapter
from tests.infra.bicep import Template

CHAPTER = "infra/README.md"
BY_NAME = {variable(field): field for field in fields(Settings)}
# What the Functions host reads for itself.
OF_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
# Access by identity: there is none on a developer's machine.
IN_AZURE_ONLY = {"EVENTS__fullyQualifiedNamespace", "EVENTS__credential", "EVENTS__clientId", "AZURE_CLIENT_ID"}
NEEDED = {name for name, field in BY_NAME.items() if field.default is MISSING}


def _sample() -> dict[str, str]:
    values: dict[str, str] = json.loads((HERE / "local.settings.sample.json").read_text())["Values"]
    return values


def _told() -> dict[str, str]:
    """Return the default that the chapter's table gives for each setting."""
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", chapter(CHAPTER, "Settings"), flags=re.MULTILINE))


def test_the_sample_file_has_every_setting_of_one_machine() -> None:
    assert set(_sample()) == set(BY_NAME) - IN_AZURE_ONLY | OF_THE_HOST


def test_the_sample_file_is_valid_and_says_the_defaults() -> None:
    settings = Settings.from_env(_sample())

    told = {name: getattr(settings, field.name) for name, field in BY_NAME.items() if field.default is not MISSING}
    expected = {name: field.default for name, field in BY_NAME.items() if field.default is not MISSING}
    # The two that say where things are on one machine.
    assert {name for name in told if told[name] != expected[name]} == {"EVENTS"}


def test_the_chapter_has_every_setting_with_its_default() -> None:
    table = _told()

    assert set(table) == set(BY_NAME)
    for name, field in BY_NAME.items():
        if field.default is MISSING:
            assert table[name] == "needed", name
        elif field.default in ("", ()) or name == "CLOCK":
            assert table[name] in {"none", "real time"}, name
        else:
            assert field.metadata["parse"](table[name].strip("`")) == field.default, name


def test_the_chapter_explains_every_value_of_host_json() -> None:
    """A value that nobody explains is one that nobody dares to change."""
    told = chapter(CHAPTER, "host.json").replace("`", "").replace('"', "")
    values = _values_at(json.loads((HERE / "host.json").read_text()))

    del values["version"], values["extensionBundle.id"]  # there is one of each
    for path, value in values.items():
        name = path.removesuffix(".version").removesuffix(".type").rsplit(".", 1)[-1]
        assert f"{name} {value}".lower() in told.lower(), path


def _values_at(part: dict[str, Any], under: str = "") -> dict[str, Any]:
    """Return every value of an object of objects by its path."""
    found: dict[str, Any] = {}
    for name, value in part.items():
        found |= _values_at(value, f"{under}{name}.") if isinstance(value, dict) else {f"{under}{name}": value}
    return found


def test_the_template_sets_what_is_needed_and_nothing_unknown() -> None:
    names = set(Template.read().app_settings())

    of_the_host = {name for name in names if name.startswith("AzureWebJobsStorage__")}
    assert names - of_the_host <= set(BY_NAME)
    assert names >= NEEDED | IN_AZURE_ONLY
