"""Where the peers and their tools are."""

import os
import shutil
from pathlib import Path
from typing import Final

PEERS: Final = Path(__file__).parents[1] / "peers"
NODE: Final = PEERS / "node"
_PROGRAMS: Final = Path(os.environ.get("BENCH_VENV", str(PEERS.parents[1] / ".venv-bench"))) / "bin"


def peer_program(name: str) -> Path:
    """Find a program of the peers' own environment."""
    found = _PROGRAMS / name
    if not found.exists():
        raise SystemExit(f"{found} is missing: the peers are installed by scripts/bench-tools")
    return found


def node_program() -> str:
    found = shutil.which("node")
    if found is None or not (NODE / "node_modules").exists():
        raise SystemExit("node or its packages are missing: they are installed by scripts/bench-tools")
    return found


def environment(**variables: str) -> dict[str, str]:
    """Give what a program needs to run as if started anew: no settings but these."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(PEERS), "PYTHONUNBUFFERED": "1", **variables}
