"""The README and its chapters lead where they say, and name what there is."""

import re
from collections import Counter
from pathlib import Path

import pytest

from infra.local.processes import HERE
from tests.documents import README, documents, everything

FOLDERS = ("functions", "shared", "infra", "benchmarks", "tests")
# Options of programs that are not ours: argparse, curl, az, func.
OTHERS = {
    "--help",
    "--silent",
    "--fail-with-body",
    "--name",
    "--location",
    "--resource-group",
    "--template-file",
    "--python",
    "--build",
}


def test_every_document_is_a_chapter_that_the_readme_links_to() -> None:
    found = {path for folder in FOLDERS for path in (HERE / folder).rglob("*.md") if not _is_installed(path)}

    assert found | {README} == documents().keys()


@pytest.mark.parametrize("document", [path.relative_to(HERE) for path in documents()], ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    path = HERE / document
    links = re.findall(r"\]\(([^)\s]*)\)", _without_code(path.read_text()))

    for link in links:
        file, _, anchor = link.partition("#")
        if ":" in file:
            continue
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_program_and_target_that_is_named_is_there() -> None:
    text = everything()
    makefile = (HERE / "Makefile").read_text()

    for module in re.findall(r"python -m ([\w.]+)", text):
        path = HERE.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for target in re.findall(r"(?:^|`|; )make ([\w-]+)", text, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_option_that_is_named_is_one() -> None:
    programs = [HERE / "manage.py", *(path for folder in FOLDERS[2:] for path in (HERE / folder).rglob("*.py"))]
    known = {
        option
        for path in programs
        if not _is_installed(path)
        for option in re.findall(r'"(--[a-z][\w-]*)"', path.read_text())
    }

    assert {*re.findall(r"(?<![\w-])--[a-z][\w-]*", everything())} <= known | OTHERS


def test_every_route_is_named() -> None:
    routes = [
        (method, route)
        for path in (HERE / "functions").glob("*.py")
        for route, method in re.findall(r'route="([^"]+)", methods=\["(\w+)"\]', path.read_text())
    ]

    assert Counter(re.findall(r"`(GET|POST) (api/[^`]+)`", README.read_text())) == Counter(routes)


def test_the_stages_are_named_in_their_order() -> None:
    layers = (HERE / "pyproject.toml").read_text().split('containers = ["shared"]', 1)[1].split("]", 1)[0]
    stages = re.findall(r'^    "(\w+)",$', layers, flags=re.MULTILINE)
    (told,) = re.findall(r"```\n(.*?)```", (HERE / "shared/README.md").read_text(), flags=re.DOTALL)[:1]

    assert re.findall(r"^(\w+) ", told, flags=re.MULTILINE) == stages[::-1]


def _anchors(path: Path) -> set[str]:
    """Return what GitHub calls the headings of a document: the second of two that are alike has a number."""
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in re.findall(r"^#+ (.*)$", _without_code(path.read_text()), flags=re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return anchors


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def _is_installed(path: Path) -> bool:
    return any(part == "node_modules" or part.startswith(".venv") for part in path.parts[len(HERE.parts) :])
