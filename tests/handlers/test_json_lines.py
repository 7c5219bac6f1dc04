"""A file of JSON lines: appended to by several processes, whole after a crash, each event once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.json_lines import JsonLines

FIRST, SECOND = "2026-01-30T12:00:00Z", "2026-01-30T12:00:01Z"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "memories.jsonl"


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_is_added_once_for_an_event(file: Path) -> None:
    mirror = JsonLines(file, about="memoryId")
    assert mirror.append("m1", "evt_1", FIRST, {"memory": {"content": "x\ny\u2028\x00"}})
    assert mirror.append("m2", "evt_2", FIRST, {})
    assert not mirror.append("m1", "evt_1", FIRST, {"memory": "again"})
    assert lines(file) == [
        {"memoryId": "m1", "event": "evt_1", "at": FIRST, "memory": {"content": "x\ny\u2028\x00"}},
        {"memoryId": "m2", "event": "evt_2", "at": FIRST},
    ]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_older_than_the_last_line_is_left_out(file: Path) -> None:
    mirror = JsonLines(file, about="memoryId")
    assert mirror.append("m1", "evt_2", SECOND, {"deleted": True})
    assert not mirror.append("m1", "evt_1", FIRST, {})
    assert mirror.append("m1", "evt_3", SECOND, {})
    assert not mirror.append("m1", "evt_2", SECOND, {"deleted": True})
    assert [line["event"] for line in lines(file)] == ["evt_2", "evt_3"]


def test_what_only_looks_like_a_line_is_none(file: Path) -> None:
    mirror = JsonLines(file, about="memoryId")
    within = {"memoryId": "m2", "event": "evt_2", "at": SECOND}
    assert mirror.append("m1", "evt_1", FIRST, {"memory": within, "text": json.dumps(within)})
    assert mirror.append("m2", "evt_2", FIRST, {})
    assert mirror.append("m", "evt_2", FIRST, {})


@pytest.mark.parametrize("kept", [0, 1])
def test_a_line_that_a_crash_cut_short_is_taken_away(file: Path, kept: int) -> None:
    mirror = JsonLines(file, about="memoryId")
    for number in range(kept):
        mirror.append(f"m{number}", f"evt_{number}", FIRST, {})
    mirror.append("m9", "evt_9", FIRST, {"memory": {"content": "long"}})
    whole = file.read_bytes()
    for length in range(len(whole) - 40, len(whole)):
        file.write_bytes(whole[:length])
        assert mirror.append("m9", "evt_9", FIRST, {"memory": {"content": "long"}}) is (
            length < len(whole) - 1
        )
        assert file.read_bytes() == whole


def test_processes_that_append_at_once_lose_nothing(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from handlers.json_lines import JsonLines\n"
        "mirror = JsonLines(Path(sys.argv[1]), about='memoryId'); sys.stdin.readline()\n"
        "for n in range(20): mirror.append(f'm{n}', f'evt_{n}', '2026', {'x': 'y' * 5000})"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(50) for process in started] == [0, 0, 0]
    assert sorted(str(line["event"]) for line in lines(file)) == sorted(f"evt_{n}" for n in range(20))


def test_a_line_that_was_damaged_by_hand_counts_for_none(file: Path) -> None:
    mirror = JsonLines(file, about="memoryId")
    assert mirror.append("m1", "evt_1", FIRST, {})
    with file.open("a") as by_hand:
        by_hand.write('{"memoryId":"m1","event":"evt_2",oops\n')
    assert mirror.append("m1", "evt_3", SECOND, {})
    assert not mirror.append("m1", "evt_3", SECOND, {})
    assert json.loads(file.read_text().splitlines()[-1])["event"] == "evt_3"
