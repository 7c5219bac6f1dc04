from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.states import State
from tests.eventlog.plans import counted_by_postgresql
from tests.eventlog.stored import an_event, run

FEW = 24
"""Enough that the statements are prepared, and their plans kept."""
MANY = 2000
DONE = {"h": State.DONE}


READ_BY_SCANS = (
    "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname IN ('events', 'bodies')"
)


def test_plans_made_for_an_empty_log_do_not_outlive_its_growth(postgres_log: EventLog) -> None:
    log = postgres_log
    for number in range(FEW):
        record(log, [an_event(f"evt_{number}")])
        run(log, f"evt_{number}", DONE)
    ids = [f"many_{number}" for number in range(MANY)]
    record(log, [an_event(each) for each in ids])
    for each in ids[: 2 * FEW]:  # more than before, so all plans are new
        run(log, each, DONE)
    before = counted_by_postgresql(log, READ_BY_SCANS)
    for each in ids[2 * FEW : 3 * FEW]:
        run(log, each, DONE)
    assert counted_by_postgresql(log, READ_BY_SCANS) == before
