"""Where a handler's code stands, and its version."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.source import UNKNOWN, source_of, version_of


def loaded(folder: Path, source: str, name: str = "made") -> Callable[..., Any]:
    file = folder / f"{name}.py"
    file.write_text(source)
    space: dict[str, Any] = {}
    exec(compile(source, str(file), "exec"), space)
    function: Callable[..., Any] = space["work"]
    return function


def work(event: object, ctx: object) -> None: ...


class Callables:
    def method(self, event: object, ctx: object) -> None: ...

    def __call__(self, event: object, ctx: object) -> None: ...


@functools.wraps(work)
def decorated(*args: object) -> None:
    work(*args)


def line_of(text: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(text))


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (work, "def work("),
        (decorated, "def work("),
        (functools.partial(functools.partial(work), ctx=None), "def work("),
        (Callables().method, "def method("),
        (Callables(), "def __call__("),
    ],
)
def test_the_place_is_where_the_user_wrote_the_function(function: object, text: str) -> None:
    assert source_of(function) == f"{__file__}:{line_of(text)}"


def test_what_has_no_python_source_has_no_place_but_a_version() -> None:
    assert source_of(print) == UNKNOWN
    assert len(version_of(print)) == 12


def test_a_version_follows_the_source(tmp_path: Path) -> None:
    one = version_of(loaded(tmp_path, "def work(event, ctx):\n    return None\n", "one"))
    same = version_of(loaded(tmp_path, "x = 1\n\n\ndef work(event, ctx):\n    return None\n", "same"))
    other = version_of(loaded(tmp_path, "def work(event, ctx):\n    return 2\n", "other"))
    assert one == same
    assert one != other
    assert len(one) == 12


def test_without_source_the_compiled_code_counts() -> None:
    def made(body: str) -> Callable[..., Any]:
        space: dict[str, Any] = {}
        exec(compile(f"def work(event, ctx):\n  {body}", "<nowhere>", "exec"), space)
        function: Callable[..., Any] = space["work"]
        return function

    nested = "return [lambda: x in {1, 'b', 'c'} for x in event]"
    assert version_of(made(nested)) == version_of(made(nested))
    versions = {version_of(made(body)) for body in (nested, "return 1", "return 2", "event.a()", "event.b()")}
    assert len(versions) == 5


def test_a_version_is_the_same_in_every_process() -> None:
    script = (
        "from handlers.source import version_of\n"
        'exec(\'def work(event, ctx): return [lambda: event in {"a", "b", "c", "d", "e"}]\')\n'
        "print(version_of(work))"
    )
    versions = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(versions) == 1
