"""Storms: what handlers must stand, made to happen at once."""

import pytest
from sqlalchemy import Column, MetaData, String, Table, insert
from structlog.testing import capture_logs

from handlers import Context, Event, Router
from handlers.testing import make_event
from hooks_testkit.storm import NothingToKill, Storm
from tests.hooks_testkit import counting
from tests.hooks_testkit.counting import counted, sent


@pytest.fixture(autouse=True)
def nothing_sent() -> None:
    sent.clear()


@pytest.fixture
def counting_storm() -> Storm:
    return Storm(counting.router, tables=counting.Base.metadata)


def test_copies_at_once_run_once(counting_storm: Storm) -> None:
    survived = counting_storm.duplicate(make_event("memory.stored"), times=30, workers=6)
    assert (survived.state, survived.seen, survived.times_called("count")) == ("done", 30, 1)
    assert (counted(survived.path), len(sent)) == (1, 1)


def test_events_come_in_any_order_and_the_seed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    router = Router()
    order: list[str] = []
    router.on("*", name="note")(lambda event, ctx: order.append(event.id))
    events = [make_event("ping", id=f"evt_{number}") for number in range(8)]
    survived = Storm(router).reorder(events)
    assert [one.id for one in survived] == [event.id for event in events]
    assert sorted(order) == [event.id for event in events]
    first, seed = list(order), int(capsys.readouterr().out.partition("seed=")[2].partition(")")[0])
    order.clear()
    Storm(router).reorder(events, seed=seed)
    assert order == first
    order.clear()
    Storm(router).reorder(events, seed=1)
    assert order != [event.id for event in events]


def test_a_kill_between_effect_and_record_repeats_the_effect_and_nothing_else(counting_storm: Storm) -> None:
    event = make_event("memory.stored")
    survived = counting_storm.kill(event)
    assert survived.state == "done"
    assert sent == [event.id, event.id]
    assert counted(survived.path) == 1
    assert survived.failures == ()  # a worker that is gone tells of none
    first, second = survived.calls
    assert (first.attempt, second.attempt) == (1, 1)
    assert (second.at - first.at).total_seconds() == 30


def test_a_kill_before_the_transaction_repeats_no_step(counting_storm: Storm) -> None:
    survived = counting_storm.kill(make_event("memory.stored"), before_record=2)
    assert (counted(survived.path), len(sent), survived.times_called("count")) == (1, 1, 2)


def test_a_kill_after_the_transaction_runs_nothing_again(counting_storm: Storm) -> None:
    survived = counting_storm.kill(make_event("memory.stored"), before_record=3)
    assert survived.state == "done"
    assert (counted(survived.path), len(sent), survived.times_called("count")) == (1, 1, 1)


def test_kills_come_before_each_record_in_turn(counting_storm: Storm) -> None:
    all_survived = list(counting_storm.kill_at_each_record(make_event("memory.stored")))
    assert [one.times_called("count") for one in all_survived] == [2, 2, 1]
    assert [counted(one.path) for one in all_survived] == [1, 1, 1]


def test_each_kill_comes_when_the_loop_is_there(counting_storm: Storm) -> None:
    effects = []
    for _ in counting_storm.kill_at_each_record(make_event("memory.stored")):
        effects.append(len(sent))
        sent.clear()
    assert effects == [2, 1, 1]
    assert len(sent) == 1, "the last run has no kill"


def test_a_loop_over_kills_does_not_pass_where_no_handler_runs(counting_storm: Storm) -> None:
    with pytest.raises(NothingToKill, match="less than 1 record was made"):
        list(counting_storm.kill_at_each_record(make_event("agent.failed")))


def test_handlers_in_order_and_with_queues_of_their_own_survive_every_kill() -> None:
    router = Router()
    router.include(counting.router)

    @router.on("memory.*", order="strict", concurrency=1, retries=2)
    def ordered(event: Event, ctx: Context) -> None:
        ctx.once("a", lambda: sent.append("ordered"))
        if ctx.attempt == 1:
            raise ValueError("once")

    router.on("memory.*", queue="slow", name="slow")(lambda event, ctx: ctx.once("a", lambda: None))
    storm = Storm(router, tables=counting.Base.metadata)
    all_survived = list(storm.kill_at_each_record(make_event("memory.stored", memoryId="m")))
    assert len(all_survived) > 6
    for survived in all_survived:
        assert {one.state.value for one in survived.deliveries} == {"done"}
        assert counted(survived.path) == 1
        # A kill repeats the one handler that it struck.
        assert len(survived.calls) in (4, 5)


def test_what_the_handler_does_after_the_kill_is_not_recorded() -> None:
    def stubborn(event: Event, ctx: Context) -> None:
        try:
            ctx.once("a", lambda: sent.append("a"))
        except BaseException:  # noqa: BLE001 - this is what is tested
            ctx.once("b", lambda: sent.append("b"))

    survived = Storm(stubborn).kill(make_event("ping"))
    assert survived.state == "done"
    assert sent == ["a", "b", "a"]
    assert survived.times_called("stubborn") == 2


ROWS = MetaData()
ROW = Table("my_rows", ROWS, Column("event", String(50), primary_key=True))


def test_a_kill_in_a_transaction_undoes_it_and_says_nothing() -> None:
    def write(event: Event, ctx: Context) -> None:
        try:
            with ctx.transaction() as session:
                session.execute(insert(ROW).values(event=event.id))
        finally:
            ctx.log.info("closed")

    with capture_logs() as told:
        all_survived = list(Storm(write, tables=ROWS).kill_at_each_record(make_event("ping")))
    assert [survived.times_called("write") for survived in all_survived] == [2, 1]
    for survived in all_survived:
        assert survived.state == "done"
        assert survived.failures == ()
        assert [line["event"] for line in survived.logs] == ["closed"]  # by the living one
        with survived.path.session() as session:
            assert len(session.execute(ROW.select()).all()) == 1
    assert [line for line in told if line["log_level"] != "info"] == []
    assert "WorkerKilled" not in str(told)


def test_more_kills_than_records_are_told(counting_storm: Storm) -> None:
    with pytest.raises(NothingToKill, match="less than 9 records"):
        counting_storm.kill(make_event("memory.stored"), before_record=9)


def test_retries_go_on_until_the_handler_gives_up() -> None:
    router = Router()

    @router.on("agent.*", retries=4)
    def fail(event: Event, ctx: Context) -> None:
        raise KeyError("agent")

    survived = Storm(router).retry_until_dead(make_event("agent.failed"))
    assert (survived.state, survived.times_called("fail"), len(survived.failures)) == ("dead", 5, 5)
    assert [failure.attempt for failure in survived.failures] == [1, 2, 3, 4, 5]
