"""The kit for users' own tests."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Column, MetaData, String, Table, create_engine, text

from handlers import Context, Event, RetryLater, Router
from handlers.registration import Handler
from handlers.testing import Dead, Retried, Succeeded, make_event, run

ROOT = Path(__file__).parents[2]

router = Router()


@router.on("agent.failed", retries=0, timeout=77, name="registered-name")
def registered(event: Event, ctx: Context) -> None:
    ctx.log.info("seen", left=(ctx.deadline - datetime.now(UTC)).total_seconds(), replay=ctx.is_replay)
    raise RetryLater(5)


def plain(event: Event, ctx: Context) -> None:
    ctx.log.debug("plain_seen", memory=event.data["memoryId"])


def test_an_event_is_as_chaozcode_sends_it() -> None:
    created = datetime(2026, 1, 30, 13, tzinfo=timezone(timedelta(hours=1)))
    event = make_event("memory.stored", id="evt_abc123", created_at=created, memoryId="m", tags=["a"])
    assert json.loads(event.body) == {
        "id": "evt_abc123",
        "type": "memory.stored",
        "createdAt": "2026-01-30T12:00:00Z",
        "data": {"memoryId": "m", "tags": ["a"]},
    }
    assert (event.id, event.type, event.created_at) == ("evt_abc123", "memory.stored", created)
    assert event.data == {"memoryId": "m", "tags": ["a"]}
    assert event.received_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (make_event("memory.deleted", memoryId="m", agentId="a"), "m"),
        (make_event("agent.started", memoryId="m", agentId="a"), "a"),
        (make_event("project.updated", projectId="p"), "p"),
        (make_event("usage.threshold", projectId="p"), None),
        (make_event("memory.stored"), None),
        (make_event("memory.stored", memoryId="m", subject=None), None),
        (make_event("ping", subject="s"), "s"),
    ],
)
def test_the_subject_comes_from_the_data_unless_given(event: Event, subject: str | None) -> None:
    assert event.subject == subject


def test_an_event_that_the_handler_would_never_get_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"handler registered-name listens for agent\.failed, so no .* 'agent.faild'"
    ):
        run(registered, make_event("agent.faild"))


def test_data_may_have_fields_with_any_name() -> None:
    fields = {"id": "p1", "subject": "s", "created-at": 1}
    event = make_event("project.updated", fields, id="evt_1", projectId="p1")
    assert (event.id, event.subject) == ("evt_1", "p1")
    assert event.data == {**fields, "projectId": "p1"}
    assert fields == {"id": "p1", "subject": "s", "created-at": 1}, "left as it was"


def test_a_subject_that_is_given_is_in_the_data() -> None:
    event = make_event("agent.failed", subject="a", reason="r")
    assert (event.subject, event.data) == ("a", {"agentId": "a", "reason": "r"})


def test_a_subject_that_the_data_contradicts_is_refused() -> None:
    with pytest.raises(ValueError, match="subject is 'a', but agentId is 'b': give one of them"):
        make_event("agent.failed", subject="a", agentId="b")


def test_ids_differ_and_creation_is_now_unless_given() -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    one, other = make_event("ping"), make_event("ping")
    assert one.id != other.id
    assert one.created_at is not None
    assert before < one.created_at <= datetime.now(UTC)


def test_a_creation_time_may_be_absent_but_not_naive() -> None:
    event = make_event("ping", created_at=None)
    assert event.created_at is None
    assert "createdAt" not in json.loads(event.body)
    with pytest.raises(ValueError, match="aware"):
        make_event("ping", created_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_run_takes_place_as_its_event_arrives_however_old_that_is() -> None:
    def explain(event: Event, ctx: Context) -> None:
        if event.data["fails"]:
            raise KeyError("status")

    handler = Handler.of(explain, ("*",), retries=3, deadline=timedelta(seconds=12))
    long_ago = datetime.now(UTC) - timedelta(days=400)
    failing = replace(make_event("ping", fails=True), received_at=long_ago)
    assert run(handler, replace(make_event("ping", fails=False), received_at=long_ago)).outcome == Succeeded()
    first = run(handler, failing)
    assert isinstance(first.outcome, Retried)
    assert first.error is not None
    assert first.error.error_type == "KeyError"
    assert isinstance(run(handler, failing, after=first).outcome, Retried)
    # The next would come 20 seconds after this one, which is past the deadline.
    out_of_time = run(handler, failing, failures=2)
    assert isinstance(out_of_time.outcome, Dead)
    assert out_of_time.error is not None
    assert out_of_time.error.error_type == "handlers.deadline.DeadlinePassed"
    assert "failed with KeyError" in out_of_time.error.message


def test_a_plain_function_runs_with_default_options_and_its_logs_are_kept() -> None:
    event = make_event("memory.stored", memoryId="m")
    result = run(plain, event)
    assert result.outcome == Succeeded()
    assert [dict(entry) for entry in result.logs] == [
        {
            "event": "plain_seen",
            "log_level": "debug",
            "memory": "m",
            "event_id": event.id,
            "handler": "plain",
            "attempt": 1,
        }
    ]


def test_a_registered_function_runs_with_its_own_options() -> None:
    result = run(registered, make_event("agent.failed"), replay=2, attempt=3)
    assert result.outcome == Retried(delay=timedelta(seconds=5), counted=False)
    (entry,) = result.logs
    assert (entry["handler"], entry["attempt"], entry["replay"]) == ("registered-name", 3, True)
    assert 70 < entry["left"] <= 77


def test_a_lambda_a_handler_and_a_router_run_too() -> None:
    event = make_event("agent.failed")
    assert run(lambda event, ctx: None, event).outcome == Succeeded()
    assert run(Handler.of(plain, ("*",)), make_event("ping", memoryId="m")).outcome == Succeeded()
    assert isinstance(run(router, event).outcome, Retried)


def test_a_router_without_exactly_one_match_is_an_error_that_names_them() -> None:
    both = Router()
    both.on("*")(plain)
    both.on("*", name="second")(plain)
    with pytest.raises(ValueError, match=r"'ping'.*plain, second"):
        run(both, make_event("ping"))
    with pytest.raises(ValueError, match="none"):
        run(router, make_event("ping"))


def test_delays_are_exact_and_follow_the_failures_before() -> None:
    def fail(event: Event, ctx: Context) -> None:
        raise OSError

    delays = []
    for failures in range(5):
        outcome = run(fail, make_event("ping"), failures=failures).outcome
        assert isinstance(outcome, Retried)
        delays.append(outcome.delay.total_seconds())
    assert delays == [5, 10, 20, 40, 80]


def insert(event: Event, ctx: Context) -> None:
    with ctx.transaction() as session:
        session.execute(text("INSERT INTO seen (event) VALUES (:event)"), {"event": event.id})
        if event.data.get("fails"):
            raise ValueError("no")


def test_a_transaction_writes_to_the_tests_own_database(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (event TEXT PRIMARY KEY)"))
    good, bad = make_event("ping"), make_event("ping", fails=True)
    assert run(insert, good, database=sqlite_url).outcome == Succeeded()
    assert isinstance(run(insert, bad, database=sqlite_url).outcome, Retried)
    again = run(insert, good, database=sqlite_url, attempt=2).outcome
    assert isinstance(again, Retried)
    assert again.error is not None
    assert again.error.error_type == "sqlalchemy.exc.IntegrityError"
    with engine.connect() as connection:
        assert list(connection.execute(text("SELECT event FROM seen")).scalars()) == [good.id]
    engine.dispose()


def test_without_a_database_a_transaction_is_in_memory_with_the_tables_given() -> None:
    tables = MetaData()
    Table("seen", tables, Column("event", String(50), primary_key=True))
    event = make_event("ping")
    first = run(insert, event, tables=tables)
    assert first.outcome == Succeeded()
    again = run(insert, event, after=first)
    assert again.error is not None
    assert again.error.error_type == "sqlalchemy.exc.IntegrityError"
    with again.session() as session:
        assert session.scalars(text("SELECT event FROM seen")).all() == [event.id]
    assert run(insert, event, tables=tables).outcome == Succeeded()  # on a log of its own


def test_a_missing_table_fails_the_handler() -> None:
    result = run(insert, make_event("ping"))
    assert result.error is not None
    assert "no such table: seen" in result.error.message


def test_a_later_run_finds_the_steps_of_the_one_before() -> None:
    taken: list[int] = []

    def step(event: Event, ctx: Context) -> None:
        def take() -> int:
            taken.append(ctx.attempt)
            return ctx.attempt

        ctx.log.info("step", result=ctx.once("a", take))
        if ctx.attempt == 1:
            raise OSError("gone")

    event = make_event("ping")
    first = run(step, event)
    second = run(step, event, after=first)
    assert (first.attempt, first.failures, second.attempt, second.failures) == (1, 1, 2, 1)
    assert isinstance(first.outcome, Retried)
    assert second.outcome == Succeeded()
    assert [line["result"] for line in (*first.logs, *second.logs)] == [1, 1]
    assert taken == [1]
    assert run(step, make_event("ping"), after=second).logs[0]["result"] == 3  # another event's own step


def test_runs_that_follow_each_other_use_up_the_retries() -> None:
    def fail(event: Event, ctx: Context) -> None:
        raise OSError("gone")

    result = run(fail, make_event("ping"))
    for _ in range(5):
        assert isinstance(result.outcome, Retried)
        result = run(fail, make_event("ping"), after=result)
    assert isinstance(result.outcome, Dead)
    assert result.error is not None
    assert result.error.message == "gone"


def test_a_run_after_another_has_that_ones_log() -> None:
    first = run(plain, make_event("ping", memoryId="m"))
    with pytest.raises(ValueError, match="goes on with the log of that run"):
        run(plain, make_event("ping"), after=first, tables=MetaData())


def test_requests_are_answered_in_the_test_and_never_sent() -> None:
    def ask(event: Event, ctx: Context) -> None:
        ctx.log.info("answered", status=ctx.http.get("https://example.com/a").status_code)

    answers = httpx2.MockTransport(lambda request: httpx2.Response(204))
    assert run(ask, make_event("ping"), http=answers).logs[0]["status"] == 204
    unanswered = run(ask, make_event("ping"))
    assert unanswered.error is not None
    assert "a test sends nothing" in unanswered.error.message


def test_a_run_that_needs_no_log_opens_none() -> None:
    code = (
        "import sys; from handlers.testing import make_event, run; "
        "run(lambda event, ctx: ctx.log.info('a'), make_event('ping')); "
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode == 0
