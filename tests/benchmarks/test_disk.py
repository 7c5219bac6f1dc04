from pathlib import Path

import pytest

from benchmarks.disk import file_system, require_disk


def test_a_file_system_is_that_of_the_innermost_mount() -> None:
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(Path("/")) not in ("", "proc")


def test_logs_are_refused_in_memory_and_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no folder"):
        require_disk(tmp_path / "none")
    shared = Path("/dev/shm")
    if not shared.is_dir() or file_system(shared) != "tmpfs":
        pytest.skip("this machine has no /dev/shm in memory")
    with pytest.raises(SystemExit, match=r"/dev/shm lies in memory \(tmpfs\).* --folder"):
        require_disk(shared)
