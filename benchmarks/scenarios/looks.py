"""What people and the clock look up in a log, each as the commands read it, with the time that it takes."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from benchmarks.fill.failing import make_troubles
from console.doctor.reconciling import Reconciliation
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.diagnosis import read_recently_dead, read_unclaimed
from eventlog.failure_group_detail import read_group
from eventlog.failure_groups import Filters, read_groups
from eventlog.last_run import LastRun
from eventlog.listing import read_page
from eventlog.lone_diagnosis import read_held_lines
from eventlog.replay_feed import feed
from eventlog.replay_preview import preview
from eventlog.replays import cancel, create
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.sweep import sweep
from workers.replay import choose_handlers

_FIRST_PAGE = 25
_TURN_EVENTS = 1000
_DAY = timedelta(days=1)


def looks_at(log: EventLog) -> Iterator[tuple[str, Callable[[], object]]]:
    """Give each look with its name."""
    newest = read_page(log, Selection(), limit=1).events[0]
    middle = newest.received_at - 45 * _DAY
    fingerprint = make_troubles(random.Random(1))["mirror"][0].fingerprint
    selections = {
        "all": Selection(),
        "type": Selection(type="agent.failed"),
        "type, none": Selection(type="no.such"),
        "family": Selection(type="agent.*"),
        "family, none": Selection(type="no.*"),
        **{f"state {state}": Selection(state=state) for state in State},
        "subject": Selection(subject="project-3"),
        "subject, rare": Selection(subject="memory-199000"),
        "subject, none": Selection(subject="memory-none"),
        "handler": Selection(handler="mirror"),
        "handler, rare": Selection(handler="alert"),
        "handler, none": Selection(handler="none"),
        "handler and state": Selection(handler="report", state=State.DEAD),
        "handler and state, none": Selection(handler="alert", state=State.QUEUED),
        "handler and done": Selection(handler="mirror", state=State.DONE),
        "handler and type": Selection(handler="audit", type="agent.failed"),
        "handler and type, none": Selection(handler="alert", type="agent.failed"),
        "fingerprint": Selection(fingerprint=fingerprint),
        "fingerprint, none": Selection(fingerprint="0" * 16),
        "fingerprint and state": Selection(fingerprint=fingerprint, state=State.RESOLVED),
        "since": Selection(since=newest.received_at - _DAY),
        "since, none": Selection(since=newest.received_at + _DAY),
        "until": Selection(until=middle),
        "until, none": Selection(until=newest.received_at - 400 * _DAY),
        "since and until": Selection(since=middle, until=middle + _DAY),
        "since and state": Selection(since=newest.received_at - _DAY, state=State.DEAD),
        "since and type, none": Selection(since=newest.received_at - _DAY, type="no.such"),
        "family and state": Selection(type="memory.*", state=State.RESOLVED),
        "family and until": Selection(type="agent.*", until=middle),
        "type and state": Selection(type="memory.stored", state=State.DEAD),
        "type and state, none": Selection(type="webhook.test", state=State.DEAD),
        "subject and state": Selection(subject="project-3", state=State.DEAD),
        "type and until": Selection(type="usage.threshold", until=middle),
    }
    for name, selection in selections.items():
        yield f"events list: {name}", partial(read_page, log, selection, limit=_FIRST_PAGE)
    yield "failures list", partial(read_groups, log, Filters(), limit=_FIRST_PAGE)
    yield "failures list: handler", partial(read_groups, log, Filters(handler="report"), limit=_FIRST_PAGE)
    lately = Filters(since=newest.received_at - _DAY)
    yield "failures list: since", partial(read_groups, log, lately, limit=_FIRST_PAGE)
    yield "failures show: fingerprint", partial(read_group, log, fingerprint, listed=_FIRST_PAGE)
    yield "failures show: fingerprint, none", partial(read_group, log, "0" * 16, listed=_FIRST_PAGE)
    yield "events show", partial(read_detail, log, newest.id)
    yield "events show, none", partial(read_detail, log, "evt_none")
    yield "sweep", partial(sweep, log)
    yield "doctor: reconciled", lambda: list(Reconciliation(log, None).check())
    yield "doctor: backlog", partial(read_unclaimed, log, after=timedelta(minutes=1))
    yield "doctor: dead", partial(read_recently_dead, log, within=_DAY)
    yield "doctor: order", partial(read_held_lines, log)
    replays = {
        "since": Selection(since=newest.received_at - _DAY),
        "since, half of all": Selection(since=middle),
        "since and type": Selection(since=newest.received_at - 5 * _DAY, type="memory.stored"),
        "family": Selection(type="agent.*"),
        "type and state": Selection(type="usage.threshold", state=State.DEAD),
        "subject": Selection(subject="project-3"),
        "fingerprint": Selection(last_run=LastRun(fingerprint=fingerprint)),
    }
    for name, selection in replays.items():
        yield f"replay begun: {name}", partial(begin_replay, log, selection)
    lately_received = Selection(since=newest.received_at - _DAY)
    yield "replay begun: failed, since", partial(begin_replay, log, lately_received, only_failed=True)


def begin_replay(log: EventLog, selection: Selection, *, only_failed: bool = False) -> int:
    """Foresee a replay and make it, as its command does; feed it as the clock does, until jobs could be sent.

    Gives for how many events.
    """
    handlers = {"mirror": ["*"]}
    preview(log, selection, handlers, only_failed=only_failed)
    number = create(
        log, selection=selection, handlers=handlers, only_failed=only_failed, who="hooks benchmarks"
    )
    while not (fed := feed(log, number, turn=_TURN_EVENTS, choose=choose_handlers)).event_ids:
        if fed.finished:
            break
    cancel(log, number)
    return len(fed.event_ids)


def milliseconds(look: Callable[[], object]) -> float:
    began = time.perf_counter()
    look()
    return (time.perf_counter() - began) * 1000
