import random
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from eventlog import newest, received
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.listing import read_page
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, events, failures
from tests.eventlog.stored import an_event

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
TYPES = ("memory.stored", "memory.updated", "agent.failed", "memory", "memoryX")
STATES = (State.QUEUED, State.RUNNING, State.WAITING, State.DONE, State.DEAD, State.UNHANDLED)
LONE = (State.DONE, State.DEAD, State.PARKED, State.SKIPPED)
EVENTS = 120


def fill(log: EventLog, choice: random.Random) -> None:
    """Store events of any kind, whose clocks differ by some seconds."""
    batch = []
    for number in range(EVENTS):
        subject = choice.choice((None, "s1", "s2"))
        at = NOON + timedelta(seconds=number + choice.randrange(-3, 4))
        event = an_event(f"evt_{number:03}", choice.choice(TYPES), subject=subject)
        batch.append(changed(event, received_at=at))
    record(log, batch)
    with log.write() as connection:
        seqs = list(connection.execute(select(events.c.seq)).scalars())
        for seq in seqs:
            state = choice.choice(STATES)
            connection.execute(update(events).where(events.c.seq == seq).values(state=state))
            for handler in choice.sample(("h1", "h2", "h3"), choice.randrange(3)):
                for replay in range(choice.randrange(1, 3)):
                    row = {
                        "event_seq": seq,
                        "handler": handler,
                        "replay": replay,
                        "attempts": 1,
                        "failures": 1,
                    }
                    queue = {"queue": "q", "state": choice.choice(LONE)}
                    connection.execute(log.insert(deliveries).values(**row, **queue))
            for attempt in range(choice.randrange(3)):
                failed = {"event_seq": seq, "handler": choice.choice(("h1", "h2")), "attempt": attempt}
                told = {"failed_at": NOON, "error_type": "E", "message": "", "traceback": ""}
                fingerprint = choice.choice(("f1", "f2"))
                connection.execute(log.insert(failures).values(**failed, **told, fingerprint=fingerprint))


def any_selection(choice: random.Random) -> Selection:
    since = NOON + timedelta(seconds=choice.randrange(EVENTS))
    given = {
        "type": choice.choice((*TYPES, "memory.*", "*", "none", "none.*")),
        "state": choice.choice((*STATES, State.PARKED, State.SKIPPED)),
        "subject": choice.choice(("s1", "s2", "none")),
        "since": since,
        "until": since + timedelta(seconds=choice.randrange(1, EVENTS)),
        "handler": choice.choice(("h1", "h2", "h3", "none")),
        "fingerprint": choice.choice(("f1", "f2", "none")),
    }
    names = choice.sample(sorted(given), choice.choice((1, 1, 2, 2, 3)))
    return Selection(**{name: given[name] for name in names})  # type: ignore[arg-type]


def paged(log: EventLog, selection: Selection) -> list[int]:
    found: list[int] = []
    before = None
    while True:
        page = read_page(log, selection, limit=7, before=before)
        found += [event.seq for event in page.events]
        if page.next_before is None:
            return found
        before = page.next_before


@pytest.mark.parametrize("bounds", ["few types and a small backlog", "many types and a large backlog"])
def test_pages_have_all_that_is_selected_the_newest_first(
    log: EventLog, bounds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bounds.startswith("many"):
        monkeypatch.setattr(newest, "_WAYS", 1)
        monkeypatch.setattr(newest, "_BACKLOG", 1)
    monkeypatch.setattr(received, "_LOOKED_AT", 12)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    fill(log, choice)
    for _ in range(40):
        selection = any_selection(choice)
        query = select(events.c.seq).where(*selection.conditions()).order_by(events.c.seq.desc())
        with log.read() as connection:
            wanted = list(connection.execute(query).scalars())
        assert paged(log, selection) == wanted, selection


def test_a_selection_of_ids_has_pages_too(log: EventLog) -> None:
    record(log, [an_event("a"), an_event("b"), an_event("c")])
    assert len(paged(log, Selection(ids=("a", "c", "none")))) == 2
