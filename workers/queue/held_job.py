"""A job as it lies in Redis, which may hold anything: read without running or unpickling it."""

import json
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rq.utils import utcparse

from workers.queue.redis_queue import JOB_FUNCTION

_PARTS_OF_A_CALL: Final = 4
_SEQS: Final = 2**63
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldJob:
    """One job, as far as it can be read."""

    id: str
    event_ids: tuple[str, ...] = ()
    replay: int = 0
    queue: str | None = None
    """Where those of the events' deliveries run alone that it is for."""
    sent_at: datetime | None = None
    defect: str | None = None
    """Why no worker of ours can run it."""


def read_job(job_id: str, answer: Any) -> HeldJob:  # noqa: ANN401
    """Read what Redis answered for a job's `data` and `enqueued_at`; it may hold anything."""
    if not isinstance(answer, list) or answer[0] is None:
        return HeldJob(id=job_id, defect="it has no data")
    data, sent = answer
    sent_at = _time(sent)
    try:
        called = json.loads(zlib.decompress(data))
    except (zlib.error, ValueError, RecursionError):
        return HeldJob(id=job_id, sent_at=sent_at, defect="its data can't be read")
    if not isinstance(called, list) or len(called) != _PARTS_OF_A_CALL or called[0] != JOB_FUNCTION:
        return HeldJob(id=job_id, sent_at=sent_at, defect="it calls something else than our jobs do")
    match called[2:]:
        case [[[*ids], int(replay)], _] if 0 <= replay < _SEQS and all(map(_is_id, ids)):
            return HeldJob(id=job_id, event_ids=tuple(ids), replay=replay, sent_at=sent_at)
        case [[[*ids], int(replay), str(queue)], _] if 0 <= replay < _SEQS and all(
            map(_is_id, [*ids, queue])
        ):
            return HeldJob(id=job_id, event_ids=tuple(ids), replay=replay, queue=queue, sent_at=sent_at)
    return HeldJob(id=job_id, sent_at=sent_at, defect="it names no events")


def _is_id(each: object) -> bool:
    """Tell whether the log can be asked for it."""
    return isinstance(each, str) and "\x00" not in each and not _SURROGATE.search(each)


def _time(sent: bytes | None) -> datetime | None:
    try:
        return None if sent is None else utcparse(as_text(sent)).replace(tzinfo=UTC)
    except ValueError:
        return None


def as_text(each: object) -> str:
    return each.decode(errors="replace") if isinstance(each, bytes) else str(each)
