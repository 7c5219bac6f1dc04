"""Last step: settle. Record what came of each delivery, and of each event whose run is over."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from eventlog.database import EventLog
from eventlog.faults import Fault, classify
from eventlog.outcome import Closing, Failure, Result
from eventlog.outcome_rows import close_events, held_seqs, record_results

__all__ = ["Closing", "Failure", "Result", "settle"]

_NOT_STORABLE: Final = "OutcomeNotStorable"


def settle(
    log: EventLog, *, replay: int, lease: str, results: Sequence[Result], closings: Sequence[Closing] = ()
) -> set[int]:
    """Record results, and close events, as far as the lease still holds them.

    Returns the seqs of events whose lease was lost: nothing was written about those. An outcome that the
    database refuses never fails its neighbours: it is recorded in other words, or its event counts as lost.
    """
    try:
        return _settle(log, replay, lease, results, closings)
    except DBAPIError as error:
        if classify(error) is not Fault.BAD_ROW:
            raise
        refusal: Exception = error
    except (UnicodeError, OverflowError) as error:
        refusal = error  # the driver could not even send a value
    seqs = sorted({result.seq for result in results} | {closing.seq for closing in closings})
    if len(seqs) == 1:
        return _settle_refused(log, replay, lease, results, closings, refusal)
    lost: set[int] = set()
    for half in (set(seqs[: len(seqs) // 2]), set(seqs[len(seqs) // 2 :])):
        lost |= settle(
            log,
            replay=replay,
            lease=lease,
            results=[result for result in results if result.seq in half],
            closings=[closing for closing in closings if closing.seq in half],
        )
    return lost


def _settle_refused(
    log: EventLog,
    replay: int,
    lease: str,
    results: Sequence[Result],
    closings: Sequence[Closing],
    refusal: Exception,
) -> set[int]:
    worded = [_in_other_words(result, refusal) for result in results]
    if worded == list(results):
        # Nothing is left to try: the event stays claimed until its lease ends, and is then run again.
        seqs = {result.seq for result in results} | {closing.seq for closing in closings}
        structlog.get_logger("worker").error("outcome_refused", event_seqs=sorted(seqs), error=str(refusal))
        return seqs
    return settle(log, replay=replay, lease=lease, results=worded, closings=closings)


def _in_other_words(result: Result, refusal: Exception) -> Result:
    """Keep what came of it, and leave out all text that came from the user's code."""
    if result.failure is None or result.failure.error_type == _NOT_STORABLE:
        return replace(result, note=None)
    message = f"the database refused to store this {result.failure.error_type}"
    plain = message.encode("ascii", "replace").decode().replace("\x00", "?")
    return replace(
        result,
        note=None,
        failure=Failure(
            error_type=_NOT_STORABLE,
            message=plain,
            traceback=f"{plain}: {type(refusal).__name__}",
            fingerprint=result.failure.fingerprint,
        ),
    )


def _settle(
    log: EventLog, replay: int, lease: str, results: Sequence[Result], closings: Sequence[Closing]
) -> set[int]:
    wanted = {result.seq for result in results} | {closing.seq for closing in closings}

    def work(connection: Connection) -> set[int]:
        held = held_seqs(connection, replay, lease, wanted)
        kept = [result for result in results if result.seq in held]
        record_results(log, connection, replay=replay, lease=lease, results=kept)
        close_events(connection, lease, [closing for closing in closings if closing.seq in held])
        return wanted - held

    return log.write_again_after_collisions(work)
