"""Lists and rows given to a statement as one value, alike on both databases."""

from sqlalchemy import BigInteger, Text, select

from eventlog.database import EventLog
from eventlog.given import field, given_rows, is_one_of
from eventlog.tables import events
from tests.eventlog.stored import accept

ROWS = given_rows("rows")
AS_GIVEN = select(field(ROWS, 0, BigInteger()), field(ROWS, 1, Text())).order_by(field(ROWS, 0, BigInteger()))


def test_those_are_found_that_are_in_the_list(log: EventLog) -> None:
    accept(log, "a", "b'\"é", "c")
    by_id = select(events.c.id).where(is_one_of(events.c.id, "ids")).order_by(events.c.seq)
    by_seq = select(events.c.id).where(is_one_of(events.c.seq, "seqs"))
    with log.read() as connection:
        assert list(connection.execute(by_id, {"ids": ["c", "b'\"é", "d"]}).scalars()) == ["b'\"é", "c"]
        assert list(connection.execute(by_id, {"ids": []}).scalars()) == []
        assert list(connection.execute(by_seq, {"seqs": [2, 2**62]}).scalars()) == ["b'\"é"]


def test_rows_come_as_they_were_given(log: EventLog) -> None:
    given = [(1, "a"), (2, None), (3, "'\"\\é\N{SNOWMAN}\n"), (2**62, "")]
    with log.read() as connection:
        assert [tuple(row) for row in connection.execute(AS_GIVEN, {"rows": given})] == given
        assert connection.execute(AS_GIVEN, {"rows": []}).all() == []
