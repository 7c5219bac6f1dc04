"""Look for a replay's next events, a bounded piece of the log at a time: writers wait meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from eventlog.received import Window
from eventlog.replay_pairs import find_repeated
from eventlog.replay_turn import Candidate
from eventlog.replays import Replay
from eventlog.states import NOTABLE
from eventlog.tables import events

_SEQS_A_LOOK: Final = 200_000
"""To read so many events costs no more than to make a turn's deliveries."""

Choose = Callable[[Mapping[str, Sequence[str]], str], Sequence[str]]
"""Given handlers with their patterns, and an event's type: the names of those that want it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look found."""

    found: Sequence[Candidate]
    cursor: int
    """All that is selected up to this seq was found."""
    is_last: bool
    """Whether nothing that is selected comes after that."""


def look(connection: Connection, replay: Replay, *, at_most: int, choose: Choose) -> Look:
    """Find so many of the next events, with the handlers that a replay would give each of them to."""
    upto = replay.upto if _has_index(replay) else min(replay.upto, replay.cursor + _SEQS_A_LOOK)
    if replay.selection.last_run is None:
        found = _find(connection, replay, upto, at_most, choose)
    else:
        found = _find_repeated(connection, replay, upto, at_most)
    if len(found) == at_most:
        return Look(found=found, cursor=found[-1].seq, is_last=False)
    return Look(found=found, cursor=upto, is_last=upto == replay.upto)


def _has_index(replay: Replay) -> bool:
    """Tell whether an index leads from one selected event to the next, past few others."""
    selection = replay.selection
    if selection.ids:
        return True
    if selection.times() or selection.is_of_family:
        return False
    if selection.last_run is not None:
        return selection.last_run.must_be_dead or replay.only_failed
    if selection.subject is not None:
        return True
    if selection.type is not None and selection.state is not None:
        return selection.state in NOTABLE  # else there is none that begins with both
    return selection.type is not None or selection.state is not None


def _find_repeated(connection: Connection, replay: Replay, upto: int, at_most: int) -> list[Candidate]:
    repeated = find_repeated(
        connection,
        replay.selection,
        replay.handlers,
        only_failed=replay.only_failed,
        limit=at_most,
        window=Window(after=replay.cursor, below=upto + 1),
    )
    return [
        Candidate(seq=event.seq, id=event.id, state=event.state, handlers=event.handlers)
        for event in repeated
    ]


def _find(connection: Connection, replay: Replay, upto: int, at_most: int, choose: Choose) -> list[Candidate]:
    rows = connection.execute(
        select(events.c.seq, events.c.id, events.c.type, events.c.state)
        .where(events.c.seq > replay.cursor, events.c.seq <= upto, *replay.selection.conditions_by_seq())
        .order_by(events.c.seq)
        .limit(at_most)
    )
    wanting: dict[str, Sequence[str]] = {}
    found = []
    for seq, event_id, type_, state in rows.all():
        if type_ not in wanting:
            wanting[type_] = choose(replay.handlers, type_)
        found.append(Candidate(seq=seq, id=event_id, state=state, handlers=wanting[type_]))
    return found
