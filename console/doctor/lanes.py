"""Whether somebody works for the queues of handlers, and whether dead deliveries hold others up."""

from collections.abc import Iterator

from console.doctor.backlog import found_names, found_number
from console.doctor.finding import Finding, ok, problem, warning
from console.visible import visible_line
from eventlog.database import EventLog
from eventlog.heartbeats import read_heartbeats
from eventlog.lone_diagnosis import read_held_lines, read_lone_queues
from handlers.pace import DEFAULT_QUEUE


def check_lanes(log: EventLog) -> Iterator[Finding]:
    """Compare the queues in which deliveries wait with those in which workers work."""
    alive = [beat for beat in read_heartbeats(log) if beat.is_alive and beat.kind == "worker"]
    served = {beat.queue or DEFAULT_QUEUE for beat in alive}
    waiting = read_lone_queues(log)
    unserved = {queue: number for queue, number in waiting.items() if queue not in served}
    for queue, number in unserved.items():
        name = visible_line(queue)
        yield problem(
            "queues",
            f"{number:,} deliver{'y' if number == 1 else 'ies'} wait in the queue {name!r}, and no worker"
            " works for it",
            f"run: hooks worker --queue {name} (or hooks up, for all)",
        )
    if not unserved:
        yield ok("queues", f"each has a worker: {', '.join(sorted(map(visible_line, {*waiting, *served})))}")


def own_queues(log: EventLog) -> list[str]:
    """Name the queues that handlers have of their own, as far as anything waits or works there."""
    named = {beat.queue for beat in read_heartbeats(log) if beat.queue} | set(read_lone_queues(log))
    return sorted(named - {DEFAULT_QUEUE})


def check_lines(log: EventLog) -> Iterator[Finding]:
    """Look for dead deliveries behind which others are parked."""
    found = read_held_lines(log)
    if found.count:
        yield warning(
            "order",
            f'{found_number(found)} dead, and on_dead="hold" holds what comes after: {found_names(found)}',
            "once mended: hooks replay ID; or let the others go on: hooks events resolve ID --why ...",
        )
    else:
        yield ok("order", "no dead delivery holds others up")
