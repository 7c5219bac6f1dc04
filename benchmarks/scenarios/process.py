"""Process: stored and queued events, a handler that does nothing, until all have their outcomes."""

from collections.abc import Sequence

from benchmarks.board import Board, Metric
from benchmarks.candidates.processing import PROCESSING, Processing
from benchmarks.figures import in_turns
from benchmarks.scenarios.processing import WARM, work_off
from benchmarks.site import Site
from workers.queue.redis_queue import IDS_A_JOB_BEHIND


def process(site: Site, chosen: Sequence[Processing] = PROCESSING, *, events: int, rounds: int) -> Board:
    board = Board(
        scenario="process",
        title="Process",
        metrics=(Metric(name="rate", unit="events/s"),),
        reference="BullMQ, concurrency 50",
        notes=[
            (
                f"{rounds} rounds of {events:,} events, after {WARM:,} to warm up; fewer of both for the"
                " slower ones; one worker on one core"
            ),
            (
                f"hooks gets {IDS_A_JOB_BEHIND:,} events a job, the most that its receiver sends in one, when"
                " jobs wait; the others get a job an event"
            ),
            "hooks records outcomes in the log, with fsync; the others keep results in Redis",
        ],
    )
    for number, candidate in in_turns(chosen, rounds):
        events_of_its = max(20, round(events * candidate.share))
        with candidate.opened(site) as crew:
            rate = work_off(crew, events_of_its, run=f"process{number}", share=candidate.share)
        print(f"process, round {number + 1}: {candidate.name}: {rate:,.0f}/s")
        board.add(candidate.name, rate=rate)
    return board
