"""A handler that waits, as most do: for a database, or for somebody's API."""

import time

from handlers import Context, Event, Router

SECONDS = 0.002
router = Router()


@router.on("*")
def wait(_event: Event, _ctx: Context) -> None:
    time.sleep(SECONDS)
