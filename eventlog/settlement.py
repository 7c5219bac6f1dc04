"""Last step: settle. Record what came of each delivery, and of each event whose run is over."""

from collections.abc import Sequence
from typing import Final

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from eventlog.database import EventLog
from eventlog.event_rows import close_events
from eventlog.faults import Fault, classify
from eventlog.hold import Hold
from eventlog.outcome import AfterCommit, Aftermath, Closing, Failure, Result, do_nothing
from eventlog.outcome_rows import held_seqs, record_results

_NOT_STORABLE: Final = "OutcomeNotStorable"


def settle(
    log: EventLog,
    hold: Hold,
    *,
    results: Sequence[Result],
    closings: Sequence[Closing] = (),
    after_commit: AfterCommit = do_nothing,
) -> set[int]:
    """Record results, and close events, as far as they are held still.

    `after_commit` is told which deliveries may run now, and which events are over with these.

    Returns the seqs of events whose lease was lost: nothing was written about those. An outcome that the
    database refuses never fails its neighbours: it is recorded in other words, or its event counts as lost.
    """
    try:
        lost, aftermath = _settle(log, hold, results, closings)
    except DBAPIError as error:
        if classify(error) not in (Fault.BAD_ROW, Fault.CONTRADICTION):
            raise
        refusal: Exception = error
    except (UnicodeError, OverflowError) as error:
        refusal = error  # the driver could not even send a value
    else:
        after_commit(aftermath)
        return lost
    seqs = sorted({result.seq for result in results} | {closing.seq for closing in closings})
    if len(seqs) == 1:
        return _settle_refused(log, hold, results, closings, after_commit, refusal)
    lost = set()
    for half in (set(seqs[: len(seqs) // 2]), set(seqs[len(seqs) // 2 :])):
        lost |= settle(
            log,
            hold,
            results=[result for result in results if result.seq in half],
            closings=[closing for closing in closings if closing.seq in half],
            after_commit=after_commit,
        )
    return lost


def _settle_refused(
    log: EventLog,
    hold: Hold,
    results: Sequence[Result],
    closings: Sequence[Closing],
    after_commit: AfterCommit,
    refusal: Exception,
) -> set[int]:
    worded = [_in_other_words(result, refusal) for result in results]
    if worded == list(results):
        # Nothing is left to try: the event stays claimed until its lease ends, and is then run again.
        seqs = {result.seq for result in results} | {closing.seq for closing in closings}
        structlog.get_logger("worker").error("outcome_refused", event_seqs=sorted(seqs), error=str(refusal))
        return seqs
    return settle(log, hold, results=worded, closings=closings, after_commit=after_commit)


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
    log: EventLog,
    hold: Hold,
    results: Sequence[Result],
    closings: Sequence[Closing],
) -> tuple[set[int], Aftermath]:
    wanted = {result.seq for result in results} | {closing.seq for closing in closings}

    def work(connection: Connection) -> tuple[set[int], Aftermath]:
        held = held_seqs(connection, hold, wanted)
        kept = [result for result in results if result.seq in held]
        aftermath = record_results(log, connection, hold, kept)
        over = close_events(connection, hold.lease, [closing for closing in closings if closing.seq in held])
        return wanted - held, Aftermath(woken=aftermath.woken, settled=(*aftermath.settled, *over))

    return log.write_again_after_collisions(work)
