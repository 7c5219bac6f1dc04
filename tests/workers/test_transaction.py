"""`ctx.transaction()`: a handler's rows and the outcome of its delivery, together or not at all."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import ForeignKey, String, func, select, text
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from structlog.testing import capture_logs

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import State
from handlers import Context, Event, Skip
from handlers.transaction import DeliveryLost, TransactionMisused, TransactionTimeout
from tests.eventlog.stored import accept
from tests.servers.postgres import PostgreSQL
from tests.workers.claims import expire_leases, make_due
from tests.workers.dispatching import Dispatching
from workers.replay import choose_handlers
from workers.timer import HandlerTimer


class Base(DeclarativeBase): ...


class Account(Base):
    __tablename__ = "accounts"
    name: Mapped[str] = mapped_column(String(50), primary_key=True)


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50), unique=True)
    account: Mapped[str | None] = mapped_column(
        ForeignKey("accounts.name", deferrable=True, initially="DEFERRED")
    )


@pytest.fixture
def here(database_url: str, open_log: Callable[[str], EventLog]) -> Iterator[Dispatching]:
    log = open_log(database_url)
    with log.write() as connection:
        Base.metadata.create_all(connection)
    before = signal.getsignal(signal.SIGALRM)
    made = Dispatching(log, HandlerTimer())
    made.accept()
    yield made
    signal.signal(signal.SIGALRM, before)


def notes(log: EventLog) -> list[str]:
    with log.read() as connection:
        return list(connection.execute(select(Note.text).order_by(Note.id)).scalars())


def test_rows_and_outcome_are_there_together(here: Dispatching) -> None:
    seen = []

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text=event.id))
        seen.append((notes(here.log), here.delivery("h").state, here.detail().state))

    detail = here.run()
    assert seen == [(["evt_1"], State.DONE, State.RUNNING)]
    assert (detail.state, here.delivery("h").attempts) == (State.DONE, 1)
    assert here.run_again().state is State.DONE
    assert notes(here.log) == ["evt_1"]


def test_with_the_handlers_failure_its_rows_vanish(here: Dispatching) -> None:
    @here.router.on("a.b", retries=1)
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text=f"attempt {ctx.attempt}"))
            session.flush()
            if ctx.attempt == 1:
                raise OSError("mine")

    detail = here.run()
    assert (detail.state, notes(here.log)) == (State.WAITING, [])
    assert [(one.error_type, one.message) for one in detail.failures] == [("OSError", "mine")]
    assert here.run_again().state is State.DONE
    assert notes(here.log) == ["attempt 2"]


def test_what_the_database_refuses_of_the_handlers_rows_is_its_own_failure(here: Dispatching) -> None:
    @here.router.on("a.b")
    def at_once(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add_all([Note(text="twice"), Note(text="twice")])

    @here.router.on("a.b")
    def at_the_commit(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="of nobody", account="nobody"))

    @here.router.on("a.b")
    def nonsense(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.execute(text("SELECT nonsense FROM nowhere"))

    @here.router.on("a.b")
    def neighbour(event: Event, ctx: Context) -> None: ...

    detail = here.run()
    assert {failure.handler: failure.error_type.rpartition(".")[2] for failure in detail.failures} == {
        "at_once": "IntegrityError",
        "at_the_commit": "IntegrityError",
        "nonsense": "OperationalError" if here.log.is_sqlite else "ProgrammingError",
    }
    assert here.delivery("neighbour").state is State.DONE
    assert notes(here.log) == []


def test_the_sessions_own_commit_and_rollback_stay_inside(here: Dispatching) -> None:
    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="kept"))
            session.commit()
            session.add(Note(text="kept"))
            with pytest.raises(IntegrityError):
                session.flush()
            session.rollback()
            session.add(Note(text="kept too"))

    @here.router.on("a.b")
    def fails(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="undone"))
            session.commit()
            raise ValueError

    here.run()
    assert notes(here.log) == ["kept", "kept too"]
    assert (here.delivery("h").state, here.delivery("fails").state) == (State.DONE, State.WAITING)


def test_whatever_comes_after_the_block_does_not_undo_it(here: Dispatching) -> None:
    @here.router.on("a.b", name="fails")
    def fails(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="one"))
        raise ValueError("too late")

    @here.router.on("a.b", timeout=0.5)
    def late(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="two"))
        time.sleep(5)

    @here.router.on("a.b")
    def skips(event: Event, ctx: Context) -> Skip:
        with ctx.transaction() as session:
            session.add(Note(text="three"))
        return Skip("nothing to do")

    with capture_logs() as logs:
        detail = here.run()
    assert detail.state is State.DONE
    assert {one.state for one in detail.deliveries} == {State.DONE}
    assert detail.failures == ()
    assert notes(here.log) == ["one", "two", "three"]
    warned = [line for line in logs if line["event"] == "ended_otherwise_after_its_transaction"]
    assert [line["handler"] for line in warned] == ["fails", "late", "skips"]


def test_a_second_transaction_is_refused_and_leaves_the_first(here: Dispatching) -> None:
    refused = []

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="first"))
        with pytest.raises(TransactionMisused, match="last act") as caught, ctx.transaction():
            pass
        refused.append(caught)

    assert here.run().state is State.DONE
    assert (len(refused), notes(here.log)) == (1, ["first"])


@pytest.mark.parametrize("when", ["before the block", "in the block"])
def test_a_lost_lease_writes_nothing_and_has_no_outcome(here: Dispatching, when: str) -> None:
    if here.log.is_sqlite and when == "in the block":
        pytest.skip("on SQLite nobody can take a lease while a transaction is open")
    raised: list[type[BaseException]] = []

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        if when == "before the block":
            expire_leases(here.log)
        try:
            with ctx.transaction() as session:
                session.add(Note(text="lost"))
                if when == "in the block":
                    expire_leases(here.log)
        except BaseException as error:  # noqa: BLE001 - it can't be swallowed either
            raised.append(type(error))

    @here.router.on("a.b")
    def after(event: Event, ctx: Context) -> None:
        raise AssertionError("another worker may run it by now")

    with capture_logs() as logs:
        detail = here.run()
    assert raised == [DeliveryLost]
    assert (detail.state, detail.deliveries, detail.failures) == (State.QUEUED, (), ())
    assert notes(here.log) == []
    assert [line["event"] for line in logs] == ["delivery_dropped"]


def test_a_transaction_that_takes_too_long_is_undone(here: Dispatching) -> None:
    @here.router.on("a.b", name="sleeps")
    def sleeps(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="slow"))
            session.flush()
            time.sleep(10)

    @here.router.on("a.b", name="swallows")
    def swallows(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="slow"))
            with suppress(TransactionTimeout):
                time.sleep(10)

    began = time.monotonic()
    detail = here.run()
    assert time.monotonic() - began < 8
    assert [failure.handler for failure in detail.failures] == ["sleeps", "swallows"]
    assert {failure.error_type for failure in detail.failures} == {"handlers.transaction.TransactionTimeout"}
    assert "longer than 1 s (HOOKS_TRANSACTION_SECONDS)" in detail.failures[0].message
    assert notes(here.log) == []


def test_the_handlers_own_timeout_still_holds_in_a_transaction_and_after_it(here: Dispatching) -> None:
    @here.router.on("a.b", timeout=0.3)
    def inside(event: Event, ctx: Context) -> None:
        with ctx.transaction():
            time.sleep(10)

    @here.router.on("a.b", timeout=1.5)
    def afterwards(event: Event, ctx: Context) -> None:
        with pytest.raises(ValueError, match="mine"), ctx.transaction():
            raise ValueError("mine")
        time.sleep(10)

    failures = here.run().failures
    assert [failure.error_type for failure in failures] == ["handlers.outcome.HandlerTimeout"] * 2


def test_the_parent_is_told_when_to_kill_what_hangs_in_a_transaction(here: Dispatching) -> None:
    during = []

    @here.router.on("a.b", timeout=60)
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction():
            during.append(here.announced[-1])
        during.append(here.announced[-1])

    began = time.monotonic()
    here.run()
    inside, outside = during
    assert inside is not None
    assert outside is not None
    assert 3 <= inside.kill_at - began < 10
    assert "HOOKS_TRANSACTION_SECONDS, 1 s" in inside.limit
    assert 62 <= outside.kill_at - began < 70
    assert outside.limit == "its timeout of 60 s"


def test_on_postgresql_the_intake_of_a_copy_is_not_held_up(here: Dispatching) -> None:
    if here.log.is_sqlite:
        pytest.skip("SQLite takes one writer at a time")

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text="meanwhile"))
            session.flush()
            accept(here.log, "evt_1")

    assert here.run().state is State.DONE
    assert here.detail().seen == 2


def test_a_replay_commits_its_own_delivery_and_is_not_run_again(here: Dispatching) -> None:
    runs = []

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        runs.append(ctx.replay)
        with ctx.transaction() as session:
            session.add(Note(text=f"run {ctx.replay}"))

    here.run()
    replay = create(here.log, selection=Selection(ids=("evt_1",)), handlers={"h": ["*"]}, who="a test")
    feed(here.log, replay, turn=10, choose=choose_handlers)
    here.run(replay=replay)
    assert here.delivery("h", replay=replay).state is State.DONE
    make_due(here.log)
    here.run(replay=replay)
    assert runs == [ORIGINAL_RUN, replay]
    assert notes(here.log) == ["run 0", f"run {replay}"]


def test_an_event_whose_end_was_not_recorded_does_not_run_that_handler_again(here: Dispatching) -> None:
    runs = []

    @here.router.on("a.b", name="transacts")
    def transacts(event: Event, ctx: Context) -> None:
        runs.append("transacts")
        with ctx.transaction() as session:
            session.add(Note(text="once"))

    @here.router.on("a.b", name="crashes")
    def crashes(event: Event, ctx: Context) -> None:
        runs.append("crashes")
        if runs.count("crashes") == 1:
            here.lost = True  # the worker vanishes: nothing more is recorded under this lease

    here.router.on("a.b", name="last")(lambda event, ctx: runs.append("last"))
    here.run()
    here.lost = False
    assert here.run_again().state is State.DONE
    assert runs.count("transacts") == 1
    assert notes(here.log) == ["once"]
    assert here.delivery("transacts").attempts == 1


def test_with_the_log_away_the_handler_is_called_again_uncharged(
    postgres_url: str, postgres: PostgreSQL, open_log: Callable[[str], EventLog]
) -> None:
    here = Dispatching(open_log(postgres_url), HandlerTimer())
    here.accept()

    @here.router.on("a.b", retries=0)
    def h(event: Event, ctx: Context) -> None:
        postgres.stop()
        try:
            with ctx.transaction():
                raise AssertionError("there is no log to open it on")
        finally:
            postgres.start()

    detail = here.run()
    (failure,) = detail.failures
    assert failure.error_type == "handlers.transaction.TransactionUnavailable"
    assert here.delivery("h").state is State.WAITING


def test_a_commit_whose_answer_was_lost_leaves_the_delivery_to_its_lease(
    postgres_url: str, postgres: PostgreSQL, open_log: Callable[[str], EventLog]
) -> None:
    log = open_log(postgres_url)
    with log.write() as connection:
        Base.metadata.create_all(connection)
    here = Dispatching(log, HandlerTimer())
    here.accept()
    ends: list[type[BaseException]] = []

    @here.router.on("a.b", retries=0)
    def h(event: Event, ctx: Context) -> None:
        try:
            with ctx.transaction() as session:
                session.add(Note(text=f"end {len(ends)}"))
                if not ends:
                    listen(session.get_bind(), "commit", lambda _: _end_backends(postgres_url), once=True)
        except BaseException as error:
            ends.append(type(error))
            raise

    detail = here.run()
    assert ends == [DeliveryLost]
    assert (detail.state, detail.deliveries) == (State.RUNNING, ())
    assert here.run_again().state is State.DONE
    assert notes(log) == ["end 1"]


def _end_backends(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )


def test_many_transactions_leave_no_connection_behind(here: Dispatching) -> None:
    @here.router.on("a.b", retries=0)
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            session.add(Note(text=event.id))
            if event.id.endswith("3"):
                raise ValueError

    for number in range(100, 130):
        here.accept(f"evt_{number}")
        here.run(f"evt_{number}")
    assert len(notes(here.log)) == 27
    assert here.log._engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_session_is_a_plain_session(here: Dispatching) -> None:
    seen: list[object] = []

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        with ctx.transaction() as session:
            note = Note(text="x")
            session.add(note)
            seen.extend(
                [isinstance(session, Session), session.scalar(select(func.count()).select_from(Note))]
            )
        seen.append(note.text)  # still readable after the commit

    here.run()
    assert seen == [True, 1, "x"]
