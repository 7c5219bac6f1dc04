"""The README, followed to the letter: its commands are run, and print what it says they print."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import examples
from tests.system.up import ROOT, Up, up

README = ROOT / "README.md"
HOME = "/home/you/chaozcode-hooks"
_CHANGING = (
    (re.compile(r"^ *[~^]+$\n", re.MULTILINE), ""),  # carets: not all Pythons draw them
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIMESTAMP"),
    (re.compile(r"\d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"[\d.]+ ms"), "MS"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "VERSION"),
    (re.compile(r"\(\d+ bytes\)"), "(BYTES)"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r" +$", re.MULTILINE), ""),
)


def _comparable(text: str) -> str:
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return text.strip()


def _commands(block: str) -> list[tuple[str, str]]:
    """Split a block into commands and what each prints."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Give a copy of the project's files, as a clone would be, to write handlers into."""
    folder = tmp_path / "clone"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py", "*.mako"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in tracked.split("\0"):
        if name and not name.startswith(("tests/", "benchmarks/")) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def running(clone: Path) -> Iterator[Up]:
    with up(clone) as it:
        it.environment["PYTHONPATH"] = str(clone)
        it.with_sandbox = True
        it.start()
        yield it


def _follow(running: Up, block: str) -> None:
    for command, printed in _commands(block):
        assert command.startswith(".venv/bin/hooks ")
        done = subprocess.run(
            command.replace(".venv/bin/hooks", f"{sys.executable} -m console", 1),
            shell=True,
            cwd=running.folder,
            env=running.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = done.stdout.replace(str(running.folder), HOME) + done.stderr
        assert _comparable(said) == _comparable(printed), f"{command}\n{said}"
        if "trigger" in command:
            running.wait_for("settled", command.split("--id ")[1].split()[0])


@pytest.mark.alone
def test_every_step_prints_what_it_says(running: Up) -> None:
    greeting, way = examples(README, "text")
    first, failing, replay = examples(README, "console")
    (handler,) = examples(README, "python")

    for line in greeting.strip().splitlines():
        assert _comparable(line.replace(".venv/bin/hooks", "hooks")) in _comparable(running.printed())
    running.with_sandbox = False  # what follows needs none

    _follow(running, first)
    for line in way.strip().splitlines():
        assert _comparable(line) in _comparable(running.printed())

    file = running.folder / "handlers" / "custom" / "failures.py"
    file.write_text(handler)
    assert running.interrupt() == 0
    running.start()
    _follow(running, failing)

    (mend,) = re.findall(r"Mend the handler \(`(.*?)`\)", README.read_text())
    file.write_text(handler.replace('reason = event.data["reason"]', mend))
    assert mend in file.read_text()
    assert running.interrupt() == 0
    running.start()
    running.wait_for("settled", "evt_failed", "done", seconds=60)  # its retry comes by itself
    _follow(running, replay)
