"""The README and its chapters, as a reader comes by them."""

import re
from pathlib import Path
from typing import Final

from infra.local.processes import HERE

README: Final = HERE / "README.md"


def documents() -> dict[Path, str]:
    """Return the README and every chapter that it links to, in the order in which it first does."""
    text = README.read_text()
    chapters = re.findall(r"\]\(([\w/.-]+\.md)[)#]", text)
    return {README: text} | {HERE / chapter: (HERE / chapter).read_text() for chapter in chapters}


def everything() -> str:
    """Return all of them as one text."""
    return "\n".join(documents().values())


def blocks(language: str, *, mark: str) -> list[str]:
    """Return every block of code that stands after ``<!-- mark -->``, in order."""
    return re.findall(rf"<!-- {mark} -->\n```{language}\n(.*?)```", everything(), flags=re.DOTALL)


def chapter(path: str, heading: str) -> str:
    """Return what a chapter says under a heading, up to the next one."""
    (said,) = re.findall(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", (HERE / path).read_text(), re.DOTALL | re.MULTILINE
    )
    return str(said)
