"""What `hooks up --reload` sees and says; the checks are real processes."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.up import reload
from console.up.reload import Reloader
from tests.servers.waiting import wait_until
from tests.system.up import environment

HANDLER = """from handlers import Router
router = Router()

@router.on("memory.stored")
def explain(event, ctx): ...
"""

Write = Callable[[str], None]


class Watched:
    """A reloader that is looked after as `hooks up` would."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "reload"
        self.handlers = folder / "my_handlers.py"
        self.said: list[str] = []
        self._written = 0
        self.handlers.write_text(HANDLER)
        variables = environment(folder, HOOKS_HANDLERS="my_handlers", HOOKS_BUILTIN_HANDLERS="0")
        self.reloader = Reloader(self.file, variables, self._say)
        wait_until(self._look(lambda: not self.reloader._is_first), 60)

    def _say(self, text: str, **_: object) -> None:
        self.said.append(text)

    def _look(self, condition: Callable[[], object]) -> Callable[[], object]:
        def look() -> object:
            self.reloader.look()
            return condition()

        return look

    def edit(self, text: str) -> str:
        """Write the handlers anew; gives the first thing that is said of that."""
        before = len(self.said)
        self.handlers.write_text(text)
        wait_until(self._look(lambda: len(self.said) > before), 60)
        return self.said[before]

    def rest(self) -> None:
        """Look on for a while in which nothing changes."""
        until = time.monotonic() + 1
        wait_until(self._look(lambda: time.monotonic() > until), 60)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.chdir(tmp_path)
    watched = Watched(tmp_path)
    yield watched
    watched.reloader.close()


def test_an_edit_is_told_and_passed_on_once(watched: Watched) -> None:
    assert watched.said == []
    assert not watched.file.exists()
    assert watched.edit(HANDLER + "# more\n").startswith("my_handlers.py changed; workers take it up")
    written = watched.file.read_text()
    watched.rest()
    assert len(watched.said) == 1
    assert watched.file.read_text() == written


def test_what_does_not_load_is_told_once_and_not_passed_on(watched: Watched) -> None:
    said = watched.edit("from handlers import Router\n\nrouter = Rooter()\n")
    assert said.startswith("my_handlers.py changed; the old code stays: ")
    assert "my_handlers.py:3: NameError: name 'Rooter'" in said
    watched.rest()
    assert len(watched.said) == 1
    assert not watched.file.exists()
    assert "workers take it up" in watched.edit(HANDLER)
    assert watched.file.exists()


def test_a_module_that_was_missing_mends_it_when_it_comes(watched: Watched) -> None:
    assert "No module named 'later_words'" in watched.edit("import later_words\n" + HANDLER)
    Path("later_words.py").touch()
    wait_until(watched._look(lambda: len(watched.said) > 1), 60)
    assert "later_words.py changed; workers take it up" in watched.said[1]


def test_code_that_ends_python_is_told_too(watched: Watched) -> None:
    said = watched.edit("import os\nos._exit(3)\n")
    assert said == "my_handlers.py changed; the old code stays: loading it ended Python, with exit code 3"


def test_code_that_does_not_come_to_an_end_is_given_up(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "_CHECK_SECONDS", 1.0)
    said = watched.edit("while True: pass\n")
    assert said == "my_handlers.py changed; the old code stays: loading took over 1 s"


def test_what_is_printed_while_loading_is_not_taken_for_the_answer(watched: Watched) -> None:
    assert "workers take it up" in watched.edit("print('{}')\n" + HANDLER)


def test_an_edit_while_the_first_check_runs_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    began = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: began - 10**9)  # as if `up` began before the file was there
    watched = Watched(tmp_path)
    wait_until(watched._look(lambda: watched.said), 60)
    watched.reloader.close()
    assert "my_handlers.py changed; workers take it up" in watched.said[0]
