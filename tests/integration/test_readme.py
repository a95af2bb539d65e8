"""What the README tells a reader to type works as it stands there."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from infra.local.processes import HERE
from tests.flying import flying

README = (HERE / "README.md").read_text()


async def test_the_examples_run_one_after_the_other(tmp_path: Path) -> None:
    examples = re.findall(r"<!-- run -->\n```bash\n(.*?)```", README, flags=re.DOTALL)
    async with flying(tmp_path, hours=1) as (system, _):
        environment = system.environment | {
            "URL": system.url,
            "KEY": system.key(),
            "DEMO": str(tmp_path / "model"),
            "PATH": f"{Path(sys.executable).parent}:{system.environment['PATH']}",
        }
        done = [await asyncio.to_thread(_run, example, environment) for example in examples]

    assert len(done) == 8
    assert [one.returncode for one in done] == [0] * 8, [one.stdout + one.stderr for one in done]
    registered, private, scored, told, seen, compared, proved, dead = (one.stdout for one in done)
    assert "flights 1 is registered" in registered
    assert "flights 2 is registered" in private
    assert all(kept in private for kept in ("nothing", "keyed hash", "steps of 250", "first character"))
    assert '"capture":"acked"' in scored
    assert '"accepted":1' in told
    assert '"aliases":{"champion":"1"}' in seen
    assert '"status":"ok"' in seen
    assert all(word in compared for word in ("number", "category", "distance", "carrier"))
    assert "the account closes" in proved
    assert dead.splitlines() == ["no dead letters", "0 records in 0 events would be sent"]


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (HERE / "Makefile").read_text()

    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def _run(example: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euc", example], env=environment, cwd=HERE, check=False, capture_output=True, text=True
    )
