"""One replay in words and as JSON: how far it is, and what came of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from console.rendering import iso_time, show, table
from console.visible import visible_line
from eventlog.canary import ALL, STAGES, stage_of
from eventlog.database import EventLog
from eventlog.replay_outcome import DeadDelivery, read_dead
from eventlog.replays import Replay, ReplayState, read_outcomes, read_replay
from eventlog.selection import Selection
from eventlog.states import State

_NAMED_AT_MOST: Final = 20
_DEAD_IN_JSON: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A replay with what came of it so far."""

    replay: Replay
    outcomes: dict[State, int]
    dead: list[DeadDelivery]
    """The first of those that ended dead."""

    @property
    def made(self) -> int:
        return sum(self.outcomes.values())

    @property
    def at_work(self) -> int:
        number = sum(self.outcomes.get(state, 0) for state in (State.QUEUED, State.RUNNING, State.THROTTLED))
        # What is parked goes on with the others, unless it is behind one that waits for its retry.
        return number + (0 if self.outcomes.get(State.WAITING) else self.outcomes.get(State.PARKED, 0))

    @property
    def is_at_work(self) -> bool:
        """Whether events are still to be handed out, or handlers to run before anything waits for a retry.

        A canary is at work until it is over, with all of its retries: only then is its next stage known.
        """
        return self.replay.state is ReplayState.RUNNING or self.at_work > 0


def read_report(log: EventLog, replay_id: int) -> Report | None:
    """Read a replay and what came of it; None if there is none of that number."""
    # The replay first: it ends in the transaction that makes the last of its deliveries.
    replay = read_replay(log, replay_id)
    if replay is None:
        return None
    outcomes = read_outcomes(log, replay_id)
    dead = read_dead(log, replay_id, limit=_DEAD_IN_JSON) if outcomes.get(State.DEAD) else []
    return Report(replay=replay, outcomes=outcomes, dead=dead)


def report_json(report: Report) -> dict[str, Any]:
    replay = report.replay
    return replay_json(replay) | {
        "deliveries": {state.value: number for state, number in report.outcomes.items()},
        "in_flight": list(replay.in_flight),
        "dead": [asdict(delivery) for delivery in report.dead],
    }


def replay_json(replay: Replay) -> dict[str, Any]:
    return {
        "replay": replay.id,
        "state": replay.state.value,
        "created_at": iso_time(replay.created_at),
        "finished_at": iso_time(replay.finished_at),
        "who": replay.who,
        "reason": replay.reason,
        "selection": replay.selection.to_json(),
        "handlers": {name: list(patterns) for name, patterns in replay.handlers.items()},
        "only_failed": replay.only_failed,
        "rate": replay.rate,
        "keep_effects": bool(replay.keep_effects),
        "events": replay.events,
        "passed_over": replay.passed_over,
        "canary": canary_json(replay),
        "ended_because": replay.ended_because,
    }


def canary_json(replay: Replay) -> dict[str, int | None] | None:
    """Give the stage that a canary is in; None for any other replay."""
    stage = stage_of(replay)
    if stage is None:
        return None
    return {"stage": stage, "deliveries_at_most": None if replay.canary == ALL else replay.canary}


def show_outcome(report: Report) -> None:
    """Tell what came of it."""
    for line in _words(report):
        show(line)
    replay = report.replay
    if replay.in_flight:
        show("Left out, because still in flight:")
        # The log names a thousand of them at most; --only-failed passes over others too.
        total = len(replay.in_flight) if replay.only_failed else replay.passed_over
        _show_first([tuple(named.rsplit(" ", 1)) for named in replay.in_flight], total)
    if report.dead:
        show(f"Dead, see `hooks events show ID`{_more(report)}:")
        _show_first([_dead_cells(delivery) for delivery in report.dead], report.outcomes[State.DEAD])


def _words(report: Report) -> Iterator[str]:
    replay = report.replay
    by_state = ", ".join(f"{report.outcomes[state]:,} {state}" for state in State if state in report.outcomes)
    ran = (
        f"{counted(report.made, 'delivery', 'deliveries')}: {by_state}"
        if by_state
        else "no delivery was made"
    )
    yield f"Replay {replay.id} is {replay.state}. {counted(replay.events, 'event', 'events')}, {ran}."
    if replay.state is ReplayState.STOPPED:
        because = visible_line(replay.ended_because or "")
        yield f"The canary was stopped in stage {stage_of(replay)} of {len(STAGES)}: {because}"
    waiting = report.outcomes.get(State.WAITING)
    if waiting:
        yield f"{waiting:,} to be tried again later: hooks replays show {replay.id}"
    others = replay.passed_over - len(replay.in_flight)
    if others > 0 and replay.only_failed:
        yield f"{counted(others, 'delivery', 'deliveries')} not repeated, because the last run was not dead."


def _more(report: Report) -> str:
    return (
        "" if len(report.dead) <= _NAMED_AT_MOST else f" (all: hooks replays show {report.replay.id} --json)"
    )


def selection_words(selection: Selection) -> str:
    """Say which events were selected, much as on the command line."""
    stored = selection.to_json()
    ids = stored.pop("ids", ())
    last_run = stored.pop("last_run", {})
    words = [*ids] if len(ids) < 2 else [f"{len(ids)} ids"]
    words += [f"--{name} {value}" for name, value in stored.items()]
    words += [f"--{name} {last_run[name]}" for name in ("version", "fingerprint") if name in last_run]
    words += ["--fixed"] if "fixed_in" in last_run else []
    return " ".join(words) or "--all"


def counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _show_first(rows: list[tuple[str, ...]], total: int) -> None:
    show(table(("event", "handler", "error")[: len(rows[0])], rows[:_NAMED_AT_MOST]))
    if total > _NAMED_AT_MOST:
        show(f"and {total - _NAMED_AT_MOST:,} more")


def _dead_cells(delivery: DeadDelivery) -> tuple[str, str, str]:
    first_line = (delivery.message or "").strip().partition("\n")[0][:100]
    error = ": ".join(part for part in (delivery.error_type, first_line) if part)
    return (delivery.event_id, delivery.handler, error)
