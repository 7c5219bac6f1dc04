"""Whether a file was written since it was last looked at."""

import os
from pathlib import Path

from workers.reload_file import ReloadFile


def test_without_a_file_nothing_ever_changes() -> None:
    file = ReloadFile(None)
    assert not file.has_changed()
    file.look()
    assert not file.has_changed()


def test_a_file_that_is_written_has_changed_until_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "reload"
    file = ReloadFile(path)
    file.look()
    assert not file.has_changed()
    path.touch()
    assert file.has_changed()
    assert file.has_changed()
    file.look()
    assert not file.has_changed()
    before = path.stat()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert file.has_changed()


def test_a_file_that_is_removed_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "reload"
    path.touch()
    file = ReloadFile(path)
    file.look()
    path.unlink()
    assert not file.has_changed()
