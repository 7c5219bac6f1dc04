"""Changes of files, seen by looking at them."""

import os
import time
from pathlib import Path

import pytest

from console.up.watched_files import WatchedFiles

LATER = time.time_ns() + 3600 * 10**9


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    return file


def watching(*files: Path, folders: tuple[Path, ...] = (), since_ns: int = LATER) -> WatchedFiles:
    watched = WatchedFiles()
    watched.watch(files, folders, since_ns=since_ns)
    return watched


def test_a_file_of_another_time_or_size_has_changed_until_that_is_noted(file: Path) -> None:
    watched = watching(file)
    assert watched.changed() == {}
    before = file.stat()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert list(watched.changed()) == [file]
    watched.take_note(watched.changed())
    assert watched.changed() == {}
    file.write_text("x = 1 \n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert list(watched.changed()) == [file]


def test_a_file_that_is_removed_and_comes_back_has_changed_each_time(file: Path) -> None:
    for watched in (watching(file), watching(folders=(file.parent,))):
        file.unlink()
        assert watched.changed() == {file: None}
        watched.take_note(watched.changed())
        assert watched.changed() == {}
        file.write_text("x = 1\n")
        assert list(watched.changed()) == [file]


def test_new_modules_in_a_folder_are_seen_but_no_tests_and_nothing_else(tmp_path: Path) -> None:
    watched = watching(folders=(tmp_path, tmp_path / "not there"))
    for name in ("test_new.py", "notes.txt", "new.pyc"):
        (tmp_path / name).touch()
    assert watched.changed() == {}
    (tmp_path / "new.py").touch()
    assert list(watched.changed()) == [tmp_path / "new.py"]


def test_what_was_written_since_a_time_is_a_change_to_begin_with(file: Path) -> None:
    written = file.stat().st_mtime_ns
    assert list(watching(file, since_ns=written - 1).changed()) == [file]
    assert watching(file, since_ns=written + 10**9).changed() == {}


def test_watching_more_forgets_no_change_of_what_was_watched(file: Path, tmp_path: Path) -> None:
    watched = watching(file)
    file.write_text("x = 1000\n")
    other = tmp_path / "other.py"
    other.touch()
    watched.watch([file, other], [], since_ns=LATER)
    assert list(watched.changed()) == [file]
    watched.watch([other], [], since_ns=LATER)
    assert watched.changed() == {}
