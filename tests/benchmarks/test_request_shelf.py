from dataclasses import replace
from pathlib import Path

from benchmarks.load.dialect import chaozcode, github
from benchmarks.load.plan import Load
from benchmarks.load.request_shelf import RequestShelf

LOAD = Load(seconds=1, rate=100)


def test_candidates_of_one_round_are_sent_the_same_file(tmp_path: Path) -> None:
    shelf = RequestShelf(tmp_path)
    once = shelf.file("round1", "main", chaozcode, LOAD)
    assert shelf.file("round1", "main", chaozcode, LOAD) is once
    assert len(once.is_new) == LOAD.requests == 120


def test_parts_dialects_and_loads_have_files_of_their_own(tmp_path: Path) -> None:
    shelf = RequestShelf(tmp_path)
    files = [
        shelf.file("round1", part, dialect, load)
        for part, dialect, load in (
            ("main", chaozcode, LOAD),
            ("warm", chaozcode, LOAD),
            ("main", github, LOAD),
            ("main", chaozcode, replace(LOAD, size=400)),
        )
    ]
    assert len({file.path.read_bytes() for file in files}) == 4


def test_the_requests_of_another_run_make_room_and_are_others(tmp_path: Path) -> None:
    shelf = RequestShelf(tmp_path)
    before = shelf.file("round1", "main", chaozcode, LOAD).path.read_bytes()
    after = shelf.file("round2", "main", chaozcode, LOAD)
    assert after.path.read_bytes() != before
    assert list(tmp_path.iterdir()) == [after.path]


def test_requests_are_prepared_for_whole_seconds_as_wrk_counts_them() -> None:
    assert replace(LOAD, seconds=1.5).requests == 240
