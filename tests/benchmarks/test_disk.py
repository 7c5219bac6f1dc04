import sys
from pathlib import Path

import pytest

from benchmarks.disk import file_system, require_disk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="benchmarks are for Linux alone")


def test_a_file_system_is_that_of_the_innermost_mount() -> None:
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(Path("/")) not in ("", "proc")


def test_logs_are_refused_in_memory_and_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no folder"):
        require_disk(tmp_path / "none")
    with pytest.raises(SystemExit, match=r"/dev/shm lies in memory \(tmpfs\).* --folder"):
        require_disk(Path("/dev/shm"))
