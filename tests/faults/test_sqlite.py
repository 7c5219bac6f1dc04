"""Runs `sqlite_faults.py` where its disks can be mounted: in a mount namespace that ends with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")
@pytest.mark.timeout(300)
def test_faults_of_the_disk_and_of_other_programs(tmp_path: Path) -> None:
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    faults = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-x", "tests/faults/sqlite_faults.py"]
    done = subprocess.run(
        ["unshare", "--mount", *as_root, *faults, f"--basetemp={tmp_path / 'within'}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )
    print(done.stdout)
    assert done.returncode == 0, "see what is printed above"
    assert "4 passed" in done.stdout
