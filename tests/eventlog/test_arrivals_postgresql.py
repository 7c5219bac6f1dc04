from contextlib import closing
from hashlib import sha256

from sqlalchemy import select

from eventlog.arrivals_postgresql import count_copies
from eventlog.database import EventLog
from eventlog.tables import events
from tests.eventlog.rows import event_row
from tests.eventlog.stored import accept, an_event


def test_copies_are_counted_that_are_known_and_free(postgres_log: EventLog, postgres_url: str) -> None:
    accept(postgres_log, "evt_known", "evt_held", "evt_other_body")
    with closing(EventLog.open(postgres_url)) as second, second.write() as other:
        other.execute(select(events.c.seq).where(events.c.id == "evt_held").with_for_update()).all()
        copies = [
            (id_, sha256(an_event(id_).body).digest(), 2) for id_ in ("evt_known", "evt_held", "evt_new")
        ]
        with postgres_log.write_single_statements() as cursor:
            counted = count_copies(cursor, [*copies, ("evt_other_body", b"another", 2)])
    assert counted == {"evt_known"}
    seen = {id_: event_row(postgres_log, id_).seen for id_ in ("evt_known", "evt_held", "evt_other_body")}
    assert seen == {"evt_known": 3, "evt_held": 1, "evt_other_body": 1}
