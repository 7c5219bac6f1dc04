"""`ctx.once`: a step's result is recorded, and the step is not taken again."""

import json
import math
import multiprocessing
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.errors import LogUnavailable
from handlers import Context, Event, Router, Skip
from handlers.once import (
    RESULT_BYTES,
    ResultNotRecordable,
    StepMisused,
    StepNotRecorded,
    Steps,
    StepUnavailable,
)
from handlers.outcome import Dead, Retried
from handlers.rehearsed_steps import StepsInMemory, Unshielded
from handlers.testing import Succeeded, make_event, run
from hooks_testkit import FakeChaozCode
from tests.handlers.test_context import context

Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Calls:
    """A step that counts how often it is taken."""

    def __init__(self, *results: Any) -> None:
        self.number = 0
        self._results = results

    def __call__(self) -> Any:
        self.number += 1
        result = self._results[min(self.number, len(self._results)) - 1]
        if isinstance(result, BaseException):
            raise result
        return result


class Faltering(StepsInMemory):
    """A store that is away for the first few times it is asked to find or to record."""

    def __init__(self, *, finds: int = 0, records: int = 0) -> None:
        super().__init__()
        self.finds, self.records = finds, records

    def find(self, key: str) -> str | None:
        self.finds -= 1
        if self.finds >= 0:
            raise LogUnavailable("gone")
        return super().find(key)

    def record(self, key: str, result: str) -> str:
        self.records -= 1
        if self.records >= 0:
            raise LogUnavailable("gone")
        return super().record(key, result)


def steps(store: StepsInMemory | None = None, *, number: int = 1, seconds: float = 30) -> Steps:
    """Give the steps of one attempt."""
    ends_at = time.monotonic() + seconds
    return Steps(store or StepsInMemory(), Unshielded(), None, attempt=number, ends_at=ends_at)


def test_a_step_is_taken_once_over_all_attempts() -> None:
    store, ask = StepsInMemory(), Calls("first", "second")
    assert [steps(store).once("ask", ask), steps(store).once("ask", ask)] == ["first", "first"]
    assert ask.number == 1
    assert steps(store).once("other", ask) == "second"


@given(Json)
def test_every_attempt_is_given_the_same_json(value: object) -> None:
    store = StepsInMemory()
    first = steps(store).once("k", lambda: value)
    again = steps(store).once("k", lambda: "never")
    assert first == again == value
    assert repr(first) == repr(again)


@pytest.mark.parametrize(
    ("returned", "kept"),
    [
        ((1, (2,)), [1, [2]]),
        ({1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        ("half \ud800 of a pair, NUL \0, \N{PILE OF POO}", "half \ud800 of a pair, NUL \0, \N{PILE OF POO}"),
        ("\ud83d\udca9", "\N{PILE OF POO}"),
    ],
)
def test_what_json_reads_back_is_given_the_first_time_too(returned: object, kept: object) -> None:
    store = StepsInMemory()
    assert steps(store).once("k", lambda: returned) == kept
    assert steps(store).once("k", Calls(0)) == kept
    assert "\0" not in store.recorded["k"]
    store.recorded["k"].encode()


class Treacherous(dict[str, object]):
    def items(self) -> Any:
        raise KeyError("mine")


def endless() -> list[object]:
    ring: list[object] = []
    ring.append(ring)
    return ring


def deep() -> list[object]:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


async def coroutine() -> None: ...


@pytest.mark.parametrize(
    "returned",
    [
        datetime(2026, 1, 30, tzinfo=UTC),
        b"bytes",
        {1},
        object(),
        {"n": math.nan},
        math.inf,
        {(1, 2): 3},
        endless(),
        deep(),
        Treacherous(a=1),
        "x" * RESULT_BYTES,
        "\N{PILE OF POO}" * (RESULT_BYTES // 4),
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_result_that_cannot_be_kept_fails_for_good_and_says_that_the_step_was_taken(
    returned: object,
) -> None:
    store, ask = StepsInMemory(), Calls(returned)

    def h(event: Event, ctx: Context) -> None:
        steps(store).once("ask", ask)

    outcome = run(h, make_event("ping")).outcome
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == "handlers.once.ResultNotRecordable"
    assert "the step 'ask' was taken" in outcome.error.message
    assert (ask.number, store.recorded) == (1, {})


def test_the_longest_result_is_kept() -> None:
    longest = "\N{PILE OF POO}" * (RESULT_BYTES // 4 - 1) + "xx"
    assert steps().once("k", lambda: longest) == longest
    with pytest.raises(ResultNotRecordable, match="1,048,577 bytes of JSON, and 1,048,576 is the limit"):
        steps().once("k", lambda: longest + "x")


@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit(3), Skip("nothing to do")])
def test_a_step_that_raises_is_not_recorded(error: BaseException) -> None:
    store, ask = StepsInMemory(), Calls(error, "now")
    with pytest.raises(type(error)) as caught:
        steps(store).once("ask", ask)
    assert caught.value is error
    assert store.recorded == {}
    assert steps(store).once("ask", ask) == "now"


def test_even_the_exception_that_ends_iterations_is_not_swallowed() -> None:
    store = StepsInMemory()
    with pytest.raises(RuntimeError, match="StopIteration"):
        steps(store).once("k", Calls(StopIteration("x")))
    assert store.recorded == {}


@pytest.mark.parametrize("key", ["", "x" * 201, "a\0b", "\ud800", None, 7, b"ask", ("a",)])
def test_a_key_that_cannot_be_stored_is_refused_before_the_step(key: Any) -> None:
    ask = Calls(1)
    with pytest.raises(StepMisused, match="a step's key"):
        steps().once(key, ask)
    assert ask.number == 0


def test_any_other_key_will_do() -> None:
    for key in ("x" * 200, " ", "\N{PILE OF POO}" * 200, "a\nb"):
        assert steps().once(key, lambda: 1) == 1


@pytest.mark.parametrize("fn", ["a value", None, 7, coroutine])
def test_what_is_no_plain_function_is_refused(fn: Any) -> None:
    with pytest.raises(StepMisused, match="function"):
        steps().once("k", fn)


def test_a_step_may_take_another_but_not_itself() -> None:
    here, inner = steps(), Calls(1)
    assert here.once("outer", lambda: [here.once("inner", inner)]) == [1]
    with pytest.raises(StepMisused, match="'same' is under way"):
        here.once("same", lambda: here.once("same", inner))
    assert inner.number == 1
    assert here.once("same", lambda: 2) == 2


def test_two_threads_do_not_take_one_step_twice() -> None:
    here, taken, refused = steps(), threading.Event(), threading.Event()

    def slow() -> int:
        taken.set()
        assert refused.wait(30)
        return 1

    thread = threading.Thread(target=here.once, args=("k", slow))
    thread.start()
    assert taken.wait(30)
    with pytest.raises(StepMisused, match="under way"):
        here.once("k", slow)
    refused.set()
    thread.join()
    assert here.once("k", slow) == 1


def _call_in_a_fork(here: Steps, told: Any) -> None:
    try:
        here.once("k", lambda: 1)
    except StepMisused as error:
        told.put(str(error))


def test_a_fork_is_refused() -> None:
    fork = multiprocessing.get_context("fork")
    told = fork.SimpleQueue()
    process = fork.Process(target=_call_in_a_fork, args=(steps(), told))
    process.start()
    process.join(30)
    assert "a process that the handler forked" in told.get()


def test_with_the_log_away_the_step_is_not_taken_and_the_handler_called_again_uncharged() -> None:
    store, ask = Faltering(finds=1), Calls("now")

    def h(event: Event, ctx: Context) -> None:
        steps(store).once("ask", ask)

    outcome = run(h, make_event("ping")).outcome
    assert isinstance(outcome, Retried)
    assert outcome.error is not None
    assert (outcome.counted, outcome.error.error_type) == (False, "handlers.once.StepUnavailable")
    assert ask.number == 0
    assert run(h, make_event("ping")).outcome == Succeeded()
    assert issubclass(StepUnavailable, Exception)


def test_a_short_outage_at_the_record_is_waited_out() -> None:
    ask = Calls("first", "second")
    assert steps(Faltering(records=3)).once("ask", ask) == "first"
    assert ask.number == 1


@pytest.mark.parametrize(("number", "again"), [(1, 5), (2, 10), (4, 40), (50, 3600)])
def test_after_a_long_one_the_step_is_taken_ever_later_again(number: int, again: float) -> None:
    store, ask = Faltering(records=1000), Calls("first")
    with pytest.raises(StepNotRecorded, match="'ask' was taken, but could not be recorded: gone") as caught:
        steps(store, number=number, seconds=-1).once("ask", ask)
    assert (caught.value.retry_after, ask.number) == (again, 1)
    assert store.records < 999, "it was tried more than once"


def test_who_was_faster_to_record_is_right() -> None:
    store = StepsInMemory()

    def overtaken() -> str:
        store.recorded["ask"] = json.dumps("of another worker")
        return "mine"

    assert steps(store).once("ask", overtaken) == "of another worker"


def test_without_a_log_it_says_so() -> None:
    with pytest.raises(StepMisused, match=r"handlers\.testing\.run"):
        context().once("k", lambda: 1)


def test_in_users_tests_steps_work_with_and_without_a_database(sqlite_url: str) -> None:
    router, ask = Router(), Calls("first", "second", "third")
    seen: list[object] = []

    @router.on("ping")
    def h(event: Event, ctx: Context) -> None:
        seen.append((ctx.once("ask", ask), ctx.once("ask", ask)))

    event = make_event("ping")
    for number in (1, 2):
        assert run(router, event, attempt=number, database=sqlite_url).outcome == Succeeded()
    assert run(router, event).outcome == Succeeded()
    assert run(router, event, replay=1, database=sqlite_url).outcome == Succeeded()
    assert seen == [("first", "first")] * 2 + [("second", "second"), ("third", "third")]


def test_in_users_tests_a_step_is_refused_in_and_after_a_transaction(sqlite_url: str) -> None:
    ended: list[str] = []

    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction(), pytest.raises(StepMisused, match="before the block"):
            ctx.once("in", ended.clear)
        with pytest.raises(StepMisused, match="before the block"):
            ctx.once("after", ended.clear)
        ended.append("well")

    assert run(h, make_event("ping"), database=sqlite_url).outcome == Succeeded()
    assert ended == ["well"]


def store_and_list(event: Event, ctx: Context) -> None:
    stored = ctx.once("store", lambda: ctx.chaozcode.memory.store(id="m1", content="x"))
    found = ctx.once("find", lambda: {"first": ctx.chaozcode.memory.search("x").results, "n": 1})
    ctx.log.info("steps", stored=stored, found=found)
    if ctx.attempt == 1:
        raise ConnectionError


def test_a_reply_of_an_api_is_recorded_as_it_came(chaozcode: FakeChaozCode) -> None:
    event = make_event("agent.failed")
    first = run(store_and_list, event, chaozcode=chaozcode)
    second = run(store_and_list, event, chaozcode=chaozcode, after=first)
    assert second.outcome == Succeeded()
    (told,), (again,) = first.logs, second.logs
    assert (told["stored"], told["found"]) == (again["stored"], again["found"])
    assert told["stored"]["ok"] is True
    assert told["stored"]["vectorId"].startswith("vec_")
    assert [memory["id"] for memory in told["found"]["first"]] == ["m1"]
    assert len(chaozcode.calls) == 2
