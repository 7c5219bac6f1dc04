"""The ways in which a log can be damaged, each by one statement that no process of ours would send."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update

from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.instant import database_now_plus
from eventlog.leases import claim, new_lease
from eventlog.outcome import Closing
from eventlog.resolution import resolve
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.tables import bodies, deliveries, events
from tests.eventlog.lane import HANDLER, Lane
from tests.eventlog.reconciliation.living import LEASE, a_result
from tests.eventlog.stored import accept, replay, run

VICTIM = "evt_victim"
HOUR = timedelta(hours=1)
Harm = Callable[[EventLog], object]
DONE = {"h1": State.DONE, "h2": State.DONE, "h3": State.DONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One way."""

    name: str
    finds: str
    """The ailment by which it is to be found."""
    prepare: Callable[[EventLog], object]
    """Brings the victim where it can be damaged, by the real functions."""
    harm: Harm
    ends: State = State.DONE
    """How the event is settled after all."""
    is_mended: bool = True


def queued(log: EventLog) -> None:
    accept(log, VICTIM)


def running(log: EventLog) -> None:
    accept(log, VICTIM)
    claim(log, Hold(lease=new_lease(), replay=0), [VICTIM], duration=LEASE)


def waiting(log: EventLog) -> None:
    accept(log, VICTIM)
    hold = Hold(lease=new_lease(), replay=0)
    (claimed,) = claim(log, hold, [VICTIM], duration=LEASE)
    settle(
        log,
        hold,
        results=[
            a_result(claimed.seq, "h1", State.WAITING, in_=HOUR),
            a_result(claimed.seq, "h2", State.DONE),
            a_result(claimed.seq, "h3", State.DONE),
        ],
        closings=[Closing(seq=claimed.seq, event_id=VICTIM, state=State.WAITING)],
    )


def done(log: EventLog) -> None:
    accept(log, VICTIM)
    run(log, VICTIM, DONE)


def dead(log: EventLog) -> None:
    accept(log, VICTIM)
    run(log, VICTIM, DONE | {"h2": State.DEAD})


def resolved(log: EventLog) -> None:
    dead(log)
    resolve(log, VICTIM, by="me@here", why="by hand")


def replayed(log: EventLog) -> None:
    done(log)
    replay(log, VICTIM, "h1")


def replay_running(log: EventLog) -> None:
    done(log)
    number = replay(log, VICTIM, "h1")
    claim(log, Hold(lease=new_lease(), replay=number), [VICTIM], duration=LEASE)


def alone(log: EventLog) -> Lane:
    """Hand the victim on to a handler that runs alone, in the order of its subject's events."""
    lane = Lane(log=log, holds=True)
    lane.arrive(VICTIM, subject="victim's")
    lane.hop(VICTIM)
    return lane


def alone_running(log: EventLog) -> None:
    alone(log).claim(VICTIM)


def alone_waiting(log: EventLog) -> None:
    lane = alone(log)
    _, (run_,) = lane.claim(VICTIM)
    lane.end(run_, State.WAITING, retry_in=HOUR)


def alone_before_another(log: EventLog) -> None:
    lane = alone(log)
    lane.arrive(f"{VICTIM}_next", subject="victim's")
    lane.hop(f"{VICTIM}_next")
    _, (run_,) = lane.claim(VICTIM)
    lane.end(run_, State.DEAD)


def set_alone(**values: Any) -> Harm:
    return set_delivery(HANDLER, **values)


def end_well_in_line(log: EventLog) -> None:
    """Write that the dead one that holds its line is done, and not that it left."""
    set_alone(state=State.DONE)(log)
    set_event(state=State.DONE)(log)


def set_event(**values: Any) -> Harm:
    def harm(log: EventLog) -> None:
        with log.write() as connection:
            connection.execute(update(events).where(events.c.id == VICTIM).values(**values))

    return harm


def _of_victim() -> Any:
    return deliveries.c.event_seq == select(events.c.seq).where(events.c.id == VICTIM).scalar_subquery()


def set_delivery(
    handler: str = "h1", *, in_replay: bool = False, **values: Any
) -> Callable[[EventLog], object]:
    def harm(log: EventLog) -> None:
        run_ = deliveries.c.replay > 0 if in_replay else deliveries.c.replay == 0
        with log.write() as connection:
            changed = connection.execute(
                update(deliveries).where(_of_victim(), deliveries.c.handler == handler, run_).values(**values)
            )
            assert changed.rowcount == 1

    return harm


def delete_deliveries(log: EventLog) -> None:
    with log.write() as connection:
        connection.execute(delete(deliveries).where(_of_victim()))


def delete_body(log: EventLog) -> None:
    seq = select(events.c.seq).where(events.c.id == VICTIM).scalar_subquery()
    with log.write() as connection:
        connection.execute(delete(bodies).where(bodies.c.event_seq == seq))


LONG_AGO = database_now_plus(-HOUR)
FAR_OFF = database_now_plus(3 * HOUR)

DAMAGES = (
    Damage(name="queued long ago", finds="stranded", prepare=queued, harm=set_event(due_at=LONG_AGO)),
    Damage(name="retry long due", finds="stranded", prepare=waiting, harm=set_event(due_at=LONG_AGO)),
    Damage(name="queued, never due", finds="never due", prepare=queued, harm=set_event(due_at=None)),
    Damage(name="waiting, never due", finds="never due", prepare=waiting, harm=set_event(due_at=None)),
    Damage(name="queued for later", finds="due too late", prepare=queued, harm=set_event(due_at=FAR_OFF)),
    Damage(name="running, no lease", finds="no lease", prepare=running, harm=set_event(lease=None)),
    Damage(name="lease long over", finds="lease over", prepare=running, harm=set_event(due_at=LONG_AGO)),
    Damage(name="lease without end", finds="lease over", prepare=running, harm=set_event(due_at=None)),
    Damage(name="lease for hours", finds="lease over", prepare=running, harm=set_event(due_at=FAR_OFF)),
    Damage(name="queued with a lease", finds="lease left", prepare=queued, harm=set_event(lease="left")),
    Damage(name="waiting with a lease", finds="lease left", prepare=waiting, harm=set_event(lease="left")),
    Damage(name="done with a lease", finds="lease left", prepare=done, harm=set_event(lease="left")),
    Damage(
        name="waits, its delivery done",
        finds="waits for nothing",
        prepare=waiting,
        harm=set_delivery(state=State.DONE, due_at=None),
    ),
    Damage(name="waits too long", finds="due too late", prepare=waiting, harm=set_event(due_at=FAR_OFF)),
    Damage(
        name="done, a delivery waits",
        finds="ended too early",
        prepare=waiting,
        harm=set_event(state=State.DONE, due_at=None),
    ),
    Damage(
        name="a delivery queued", finds="never run", prepare=waiting, harm=set_delivery(state=State.QUEUED)
    ),
    Damage(
        name="a delivery running", finds="never run", prepare=waiting, harm=set_delivery(state=State.RUNNING)
    ),
    Damage(name="a delivery never due", finds="never due", prepare=waiting, harm=set_delivery(due_at=None)),
    Damage(
        name="done, a delivery dead",
        finds="wrong state",
        prepare=done,
        harm=set_delivery(state=State.DEAD),
        ends=State.DEAD,
    ),
    Damage(
        name="dead, all deliveries done",
        finds="wrong state",
        prepare=dead,
        harm=set_delivery("h2", state=State.DONE),
    ),
    Damage(
        name="dead, its dead delivery resolved",
        finds="wrong state",
        prepare=resolved,
        harm=set_event(state=State.DEAD),
        ends=State.RESOLVED,
    ),
    Damage(
        name="resolved, a delivery dead",
        finds="wrong state",
        prepare=resolved,
        harm=set_delivery(state=State.DEAD),
        ends=State.DEAD,
    ),
    Damage(
        name="unhandled with deliveries",
        finds="wrong state",
        prepare=done,
        harm=set_event(state=State.UNHANDLED),
    ),
    Damage(
        name="skipped, a delivery done",
        finds="wrong state",
        prepare=done,
        harm=set_event(state=State.SKIPPED),
    ),
    Damage(name="done without deliveries", finds="no outcome", prepare=done, harm=delete_deliveries),
    Damage(name="resolved without deliveries", finds="no outcome", prepare=resolved, harm=delete_deliveries),
    Damage(name="dead without deliveries", finds="no outcome", prepare=dead, harm=delete_deliveries),
    Damage(
        name="a state of tomorrow",
        finds="unknown state",
        prepare=done,
        harm=set_event(state="paused"),
        is_mended=False,
    ),
    Damage(name="queued without a body", finds="no body", prepare=queued, harm=delete_body, is_mended=False),
    Damage(name="done without a body", finds="no body", prepare=done, harm=delete_body, is_mended=False),
    Damage(
        name="a replay long due",
        finds="stranded",
        prepare=replayed,
        harm=set_delivery(in_replay=True, due_at=LONG_AGO),
    ),
    Damage(
        name="a replay never due",
        finds="never due",
        prepare=replayed,
        harm=set_delivery(in_replay=True, due_at=None),
    ),
    Damage(
        name="a replay for later",
        finds="due too late",
        prepare=replayed,
        harm=set_delivery(in_replay=True, due_at=FAR_OFF),
    ),
    Damage(
        name="a replay running, no lease",
        finds="no lease",
        prepare=replay_running,
        harm=set_delivery(in_replay=True, lease=None),
    ),
    Damage(
        name="a replay's lease without end",
        finds="lease over",
        prepare=replay_running,
        harm=set_delivery(in_replay=True, due_at=None),
    ),
    Damage(
        name="a replay's lease long over",
        finds="lease over",
        prepare=replay_running,
        harm=set_delivery(in_replay=True, due_at=LONG_AGO),
    ),
    Damage(
        name="a replay queued with a lease",
        finds="lease left",
        prepare=replayed,
        harm=set_delivery(in_replay=True, lease="left"),
    ),
    Damage(
        name="an original run's delivery with a lease",
        finds="lease left",
        prepare=waiting,
        harm=set_delivery(lease="left"),
    ),
    Damage(
        name="done, and still in line",
        finds="line not left",
        prepare=alone_before_another,
        harm=end_well_in_line,
    ),
    Damage(name="alone, never due", finds="never due alone", prepare=alone, harm=set_alone(due_at=None)),
    Damage(
        name="waiting alone, never due",
        finds="never due alone",
        prepare=alone_waiting,
        harm=set_alone(due_at=None),
    ),
    Damage(
        name="waiting alone, long due",
        finds="overdue alone",
        prepare=alone_waiting,
        harm=set_alone(due_at=LONG_AGO),
    ),
    Damage(
        name="throttled, long due",
        finds="overdue alone",
        prepare=alone,
        harm=set_alone(state=State.THROTTLED, due_at=LONG_AGO),
    ),
    Damage(
        name="running alone, no lease",
        finds="no lease alone",
        prepare=alone_running,
        harm=set_alone(lease=None),
    ),
    Damage(
        name="running alone, lease long over",
        finds="no lease alone",
        prepare=alone_running,
        harm=set_alone(due_at=LONG_AGO),
    ),
    Damage(
        name="running alone, lease without end",
        finds="no lease alone",
        prepare=alone_running,
        harm=set_alone(due_at=None),
    ),
    Damage(
        name="parked, and first",
        finds="parked behind nobody",
        prepare=alone,
        harm=set_alone(state=State.PARKED, due_at=None),
    ),
    Damage(
        name="throttled, and none runs",
        finds="throttled by nobody",
        prepare=alone,
        harm=set_alone(state=State.THROTTLED, due_at=None),
    ),
)
