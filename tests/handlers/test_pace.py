"""Where and how fast a handler runs: what may be asked for, and what is refused at start."""

from datetime import timedelta
from typing import Any

import pytest

from handlers import Context, Event, Router
from handlers.errors import HandlerError, InvalidLimit, InvalidOrder, InvalidQueue
from handlers.pace import DEFAULT_QUEUE, Pace, Rate


def pace_of(**options: Any) -> Pace:
    router = Router()

    @router.on("memory.*", **options)
    def handle(event: Event, ctx: Context) -> None: ...

    return router.handlers[0].pace


def test_a_plain_handler_runs_with_the_others_of_its_event() -> None:
    pace = pace_of()
    assert pace == Pace()
    assert not pace.runs_alone
    assert not pace.is_limited


@pytest.mark.parametrize(
    "options", [{"queue": "slow"}, {"order": "strict"}, {"concurrency": 1}, {"rate": "1/s"}]
)
def test_one_that_asks_for_anything_runs_alone(options: dict[str, object]) -> None:
    assert pace_of(**options).runs_alone


def test_naming_the_queue_of_all_is_naming_none() -> None:
    pace = pace_of(queue=DEFAULT_QUEUE)
    assert not pace.runs_alone
    assert pace.queue_name == DEFAULT_QUEUE


@pytest.mark.parametrize(
    ("text", "starts", "period"),
    [
        ("10/s", 10, timedelta(seconds=1)),
        ("100/min", 100, timedelta(minutes=1)),
        ("5/2h", 5, timedelta(hours=2)),
        (" 1000 / d ", 1000, timedelta(days=1)),
    ],
)
def test_a_rate_is_a_number_of_starts_in_a_time(text: str, starts: int, period: timedelta) -> None:
    assert Rate.of(text) == Rate(starts=starts, period=period)


@pytest.mark.parametrize(
    "rate", ["10", "0/s", "10/0s", "ten/s", "10/week", "10001/s", "-1/s", "1.5/s", 10, b"1/s"]
)
def test_what_is_no_rate_is_refused(rate: object) -> None:
    with pytest.raises(InvalidLimit, match=r"is no rate: write how many in which time"):
        pace_of(rate=rate)


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "3", True, 10_001])
def test_what_is_no_number_of_slots_is_refused(concurrency: object) -> None:
    with pytest.raises(InvalidLimit, match=r"concurrency is .*give a whole number from 1 to"):
        pace_of(concurrency=concurrency)


@pytest.mark.parametrize("queue", ["", "Slow", "a b", "x" * 31, "-a", "ä", 3])
def test_what_can_be_no_queue_is_refused(queue: object) -> None:
    with pytest.raises(InvalidQueue, match="give a name of 1 to 30"):
        pace_of(queue=queue)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"order": "lifo"}, 'give "strict", or leave it out'),
        ({"order": "strict", "on_dead": "wait"}, 'give "continue" or "hold"'),
        ({"on_dead": "hold"}, 'needs order="strict"'),
    ],
)
def test_an_order_that_there_is_not_is_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidOrder, match=told):
        pace_of(**options)


def test_a_refusal_names_the_handler_and_its_place() -> None:
    with pytest.raises(HandlerError, match=r"handler 'handle' \(.*test_pace\.py:\d+\): order is"):
        pace_of(order="lifo")


def test_a_router_tells_which_queues_its_handlers_have() -> None:
    router = Router()

    @router.on("memory.*", queue="slow")
    def one(event: Event, ctx: Context) -> None: ...

    @router.on("memory.*", queue="mail")
    def two(event: Event, ctx: Context) -> None: ...

    @router.on("memory.*", order="strict")
    def three(event: Event, ctx: Context) -> None: ...

    assert router.queues == ("mail", "slow")
