"""What importing costs: every scaled-out instance pays it before its first answer."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "scipy", "sklearn", "pyarrow", "azure.storage", "azure.eventhub", "onnxruntime")


def test_the_app_is_indexed_without_heavy_libraries_and_without_settings() -> None:
    """They take seconds of CPU to import, and an instance that only captures needs none of the scoring ones."""
    program = f"import sys, function_app; print([name for name in {HEAVY!r} if name in sys.modules])"

    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr, ended.stdout.strip()) == (0, "", "[]")


@pytest.mark.parametrize("module", sorted((ROOT / "functions").glob("*.py")), ids=lambda path: path.stem)
def test_a_trigger_names_no_client(module: Path) -> None:
    """import-linter holds this for other libraries, but takes everything in ``azure`` for one."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}

    assert not [name for name in named if name.startswith(("azure.storage", "azure.eventhub", "azure.identity"))]
