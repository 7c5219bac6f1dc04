"""A handler that notes how long after an event was received it was called, in microseconds a line."""

import os
import time
from datetime import UTC, datetime

from handlers import Context, Event, Router

router = Router()
_notes = os.open(os.environ["BENCH_LAGS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@router.on("*")
def note(event: Event, _ctx: Context) -> None:
    received = (event.received_at - _EPOCH).total_seconds()
    os.write(_notes, b"%d\n" % max(0, round((time.time() - received) * 1e6)))
