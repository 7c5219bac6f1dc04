"""What handlers share with the worker, put right after each; and processes that must not go on as one."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers.surroundings import FILES_CLOSED_EXIT, Surroundings


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "page").open("w") as page:
        yield Surroundings(page.fileno())


def exit_code_of(what: Callable[[], object]) -> int:
    """Run it in a fork, which ends with 5 where nothing ends it before."""
    if (pid := os.fork()) == 0:
        try:
            what()
        finally:
            os._exit(5)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_everything_is_put_back(surroundings: Surroundings, tmp_path: Path) -> None:
    output, depth = sys.stdout, sys.getrecursionlimit()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    mask = os.umask(0o022)
    os.umask(mask)
    sys.stdout = None
    os.chdir("/")
    os.umask(0o777)
    gc.disable()
    sys.settrace(lambda *_: None)
    sys.setrecursionlimit(depth + 5000)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    surroundings.restore()
    assert sys.stdout is output
    assert Path.cwd() == tmp_path
    assert os.umask(mask) == mask
    assert gc.isenabled()
    assert sys.gettrace() is None
    assert sys.getrecursionlimit() == depth
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


def test_a_folder_that_is_gone_is_survived(surroundings: Surroundings, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    os.chdir(other)
    other.rmdir()
    surroundings.restore()
    assert Path.cwd() == tmp_path


def test_the_worker_itself_goes_on(surroundings: Surroundings) -> None:
    surroundings.require_intact()


def test_a_fork_ends_at_once(surroundings: Surroundings) -> None:
    assert exit_code_of(surroundings.require_intact) == 0


@pytest.mark.parametrize("reused", [False, True])
def test_a_process_whose_files_were_closed_ends_at_once(tmp_path: Path, reused: bool) -> None:
    def lose_the_page() -> None:
        descriptor = os.open(tmp_path / "page", os.O_CREAT | os.O_RDWR)
        here = Surroundings(descriptor)
        os.close(descriptor)
        if reused:
            assert os.open(tmp_path / "other", os.O_CREAT | os.O_RDWR) == descriptor
        here.require_intact()

    assert exit_code_of(lose_the_page) == FILES_CLOSED_EXIT
