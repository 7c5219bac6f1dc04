"""How much memory a worker is granted, and how much it and its children use."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.servers.waiting import wait_until
from workers.memory import MIB, Growth, MemoryWatch, granted_bytes
from workers.settings import WorkerSettings

NONE = Path("/nonexistent")
EATER = f"import time; eaten = bytearray({200 * MIB}); print(flush=True); time.sleep(60)"


def machine() -> int:
    return psutil.virtual_memory().total


def groups(folder: Path, limits: dict[str, str]) -> Path:
    for name, limit in limits.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(limit + "\n")
    return folder


@pytest.mark.parametrize(
    ("own", "limits", "granted"),
    [
        ("0::/a/b", {"memory.max": "max", "a/memory.max": "1000", "a/b/memory.max": "max"}, 1000),
        ("0::/a/b", {"a/memory.max": "3000", "a/b/memory.max": "2000"}, 2000),
        ("0::/of/the/host", {"memory.max": "4000"}, 4000),
        ("0::/", {"memory.max": "5000"}, 5000),
        ("4:memory:/a\n3:cpu:/b", {"memory/a/memory.limit_in_bytes": "6000"}, 6000),
        ("0::/../outside", {"memory.max": "7000"}, 7000),
        ("0::/a", {"a/memory.max": "max"}, None),
        ("0::/a", {"a/memory.max": str(2**62)}, None),
        ("0::/a", {"a/memory.max": "rubbish"}, None),
    ],
)
def test_the_least_of_all_limits_is_granted(
    tmp_path: Path, own: str, limits: dict[str, str], granted: int | None
) -> None:
    file = tmp_path / "cgroup"
    file.write_text(own + "\n")
    assert granted_bytes(file, groups(tmp_path / "groups", limits)) == (granted or machine())


def test_without_cgroups_the_machine_is_granted() -> None:
    assert granted_bytes(NONE, NONE) == machine()


def test_a_worker_may_use_most_of_what_is_granted_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOKS_WORKER_MEMORY_MIB", raising=False)
    assert WorkerSettings().memory_bytes == granted_bytes() * 80 // 100
    monkeypatch.setenv("HOOKS_WORKER_MEMORY_MIB", "300")
    assert WorkerSettings().memory_bytes == 300 * MIB


def test_growth_counts_from_what_was_used_at_the_start() -> None:
    used = psutil.Process().memory_info().rss
    growth = Growth(used + 200 * MIB)
    assert not growth.is_too_much()
    eaten = bytearray(150 * MIB)
    wait_until(growth.is_too_much)
    del eaten


def test_a_process_that_is_too_large_from_the_start_counts_any_growth() -> None:
    growth = Growth(1)
    eaten = bytearray(50 * MIB)
    assert growth.is_too_much()
    del eaten


@pytest.mark.parametrize("below", [False, True])
def test_a_process_is_counted_with_all_that_it_started(below: bool) -> None:
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {EATER!r}])" if below else EATER
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            wait_until(MemoryWatch(process.pid, 200 * MIB).is_over)
            assert not MemoryWatch(process.pid, 400 * MIB).is_over()
        finally:
            for one in [*psutil.Process(process.pid).children(), psutil.Process(process.pid)]:
                one.kill()


def test_a_process_that_has_ended_is_not_over() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert not MemoryWatch(process.pid, 1).is_over()
