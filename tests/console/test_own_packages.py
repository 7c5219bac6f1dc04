"""A package of the user's project that has the name of one of ours is told before it confuses anybody."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.up import ROOT, environment


def hooks(folder: Path, *arguments: str, path: str = str(ROOT)) -> "subprocess.CompletedProcess[str]":
    """Run the command as its installed script is: the working directory is not on Python's path."""
    return subprocess.run(
        [sys.executable, "-P", "-c", "from console.main import main; main()", *arguments],
        cwd=folder,
        env={**environment(folder), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("file", "commands"),
    [
        ("handlers/__init__.py", [["handlers", "list"], ["up"], ["worker"], ["doctor"], ["replay", "evt_1"]]),
        ("handlers.py", [["worker"]]),
        ("workers/__init__.py", [["up"]]),
    ],
)
def test_a_package_of_the_same_name_is_told_by_commands_that_load_handlers(
    tmp_path: Path, file: str, commands: list[list[str]]
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    for command in commands:
        done = hooks(tmp_path, *command)
        assert done.returncode == 1
        assert str(tmp_path / file.removesuffix("/__init__.py")) in done.stderr
        assert "Rename yours" in done.stderr
        assert "hooks_handlers" in done.stderr
        assert "Traceback" not in done.stderr


def test_commands_that_load_no_handlers_do_not_mind(tmp_path: Path) -> None:
    (tmp_path / "handlers.py").touch()
    assert "Rename" not in hooks(tmp_path, "events", "list").stderr
    assert hooks(tmp_path, "--help").returncode == 0


def test_a_folder_that_is_no_package_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "notes.py").touch()
    assert hooks(tmp_path, "handlers", "list").returncode == 0


def test_a_package_on_pythons_path_is_told_too_where_it_comes_first(tmp_path: Path) -> None:
    theirs, here = tmp_path / "theirs", tmp_path / "here"
    (theirs / "workers").mkdir(parents=True)
    (theirs / "workers" / "__init__.py").touch()
    here.mkdir()
    assert str(theirs / "workers") in hooks(here, "handlers", "list", path=f"{theirs}:{ROOT}").stderr
    assert hooks(here, "handlers", "list", path=f"{ROOT}:{theirs}").returncode == 0


def test_another_checkout_of_ours_is_no_stranger(tmp_path: Path) -> None:
    for package in ("handlers", "workers"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    for module in ("router", "registration", "discovery"):
        (tmp_path / "handlers" / f"{module}.py").touch()
    assert hooks(tmp_path, "handlers", "list").returncode == 0


def test_our_own_checkout_is_no_stranger() -> None:
    assert hooks(ROOT, "handlers", "list").returncode == 0
