"""A failed attempt's description."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.attempt import attempt
from handlers.failure import FailureDetail, describe
from handlers.outcome import Dead
from handlers.registration import Handler
from handlers.testing import make_event, run


def detail_of(function: Callable[[], object]) -> FailureDetail:
    try:
        function()
    except BaseException as error:  # noqa: BLE001
        return describe(error)
    raise AssertionError("the function did not raise")


def compiled(source: str, file: str = "user.py") -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(compile(source, file, "exec"), space)
    function: Callable[..., Any] = space["fail"]
    return function


class BrokenError(Exception):
    pass


def raiser(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def test_the_type_is_qualified_except_for_builtins() -> None:
    assert detail_of(raiser(ValueError("x"))).error_type == "ValueError"
    assert detail_of(raiser(BrokenError("x"))).error_type == f"{__name__}.BrokenError"


def test_the_message_is_the_errors_own_bounded() -> None:
    assert detail_of(raiser(ValueError("a problem"))).message == "a problem"
    assert detail_of(raiser(ValueError("m" * 5000))).message == "m" * 2000


def test_a_long_traceback_keeps_its_head_and_tail() -> None:
    text = detail_of(raiser(ValueError("start" + "x" * 100_000 + "end"))).traceback
    assert len(text) <= 32_000
    assert text.startswith("Traceback (most recent call last)")
    assert text.endswith("end\n")


def test_nul_and_lone_surrogates_are_replaced_everywhere() -> None:
    hostile = type("Bad", (Exception,), {"__module__": "m\0", "__qualname__": "Bad\udcffName"})
    detail = detail_of(raiser(hostile("nul \0 and surrogate \ud800 in it")))
    assert detail.message == "nul \ufffd and surrogate \ufffd in it"
    for text in (detail.error_type, detail.message, detail.traceback, detail.fingerprint):
        assert "\0" not in text
        text.encode("utf-8")


def test_an_error_whose_str_and_repr_raise_is_survived() -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no str")

        def __repr__(self) -> str:
            raise KeyboardInterrupt

    detail = detail_of(raiser(UnprintableError()))
    assert "raised RuntimeError" in detail.message
    assert "fail" in detail.traceback


def test_an_error_whose_notes_raise_is_survived() -> None:
    class NotedError(Exception):
        @property
        def __notes__(self) -> list[str]:  # type: ignore[override]
            raise SystemExit(3)

    assert "can't be printed: SystemExit" in detail_of(raiser(NotedError("x"))).traceback


def test_an_error_that_was_never_raised_has_no_frames() -> None:
    assert describe(ValueError("x")).traceback == "ValueError: x\n"


def test_causes_are_in_the_traceback() -> None:
    fail = compiled(
        "def fail():\n  try:\n    1 / 0\n  except ZeroDivisionError as e:\n    raise OSError('o') from e"
    )
    text = detail_of(fail).traceback
    assert "ZeroDivisionError" in text
    assert "direct cause" in text


def test_the_traceback_starts_at_the_handler() -> None:
    outcome = run(
        compiled("def fail(event, ctx):\n  raise KeyError('k')"), make_event("ping"), failures=5
    ).outcome
    assert isinstance(outcome, Dead)
    lines = outcome.error.traceback.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[1] == '  File "user.py", line 2, in fail'
    assert Path(attempt.__code__.co_filename).name not in outcome.error.traceback


def test_frames_of_the_workers_package_are_dropped_from_the_top_alone() -> None:
    workers = Path(__file__).parents[2] / "workers"
    inner = compiled("def fail():\n  raise KeyError('k')")
    space: dict[str, Any] = {"inner": inner}
    exec(compile("def fail():\n  inner()", str(workers / "dispatch.py"), "exec"), space)
    with pytest.raises(KeyError) as raised:
        space["fail"]()
    assert "dispatch.py" in describe(raised.value).traceback  # this test's frame stands above it
    assert raised.tb is not None
    text = describe(raised.value.with_traceback(raised.tb.tb_next)).traceback
    assert "dispatch.py" not in text
    assert "user.py" in text


def test_the_fingerprint_ignores_line_numbers_and_messages() -> None:
    first = detail_of(compiled("def fail():\n  raise ValueError('id 1')"))
    moved = detail_of(compiled("\n\n\ndef fail():\n  x = 1\n  raise ValueError('id 2')"))
    elsewhere = detail_of(compiled("def fail():\n  raise ValueError('id 1')", "/another/folder/user.py"))
    assert first.fingerprint == moved.fingerprint == elsewhere.fingerprint
    assert first.traceback != moved.traceback
    assert len(first.fingerprint) == 16
    assert set(first.fingerprint) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("def fail():\n  raise KeyError('id 1')", "user.py"),
        ("def fail():\n  raise ValueError('id 1')", "other.py"),
        ("def fail():\n  below()\ndef below():\n  raise ValueError('id 1')", "user.py"),
    ],
)
def test_the_fingerprint_tells_types_files_and_functions_apart(source: str, file: str) -> None:
    first = detail_of(compiled("def fail():\n  raise ValueError('id 1')"))
    assert detail_of(compiled(source, file)).fingerprint != first.fingerprint


def test_a_recursion_has_one_fingerprint_at_any_depth() -> None:
    fail = compiled("def fail(n):\n  if n: fail(n - 1)\n  raise ValueError")
    assert detail_of(lambda: fail(1)).fingerprint == detail_of(lambda: fail(30)).fingerprint


def test_an_endless_recursion_is_described() -> None:
    detail = detail_of(compiled("def fail():\n  fail()"))
    assert detail.error_type == "RecursionError"
    assert len(detail.traceback) <= 32_000


def test_a_handler_is_named_in_its_own_frames() -> None:
    def breaks(event: object, ctx: object) -> None:
        raise BrokenError("x")

    handler = Handler.of(breaks, ("*",), retries=0)
    outcome = run(handler, make_event("ping")).outcome
    assert isinstance(outcome, Dead)
    assert "in breaks" in outcome.error.traceback
