"""An example to copy to `handlers/custom/`: logs every event of a documented type."""

from eventlog.event import KNOWN_TYPES
from handlers import Context, Event, Router

# Every file with handlers has a Router at module level; it is found by its type, whatever its name.
router = Router()


# One or more patterns: a type ("memory.stored"), a family ("memory.*"), or "*" for all events. This handler
# names the documented types and not "*", so that an event of any other type still shows up as unhandled.
#
# A handler is a plain function of two arguments, the event and the context. It runs at least once for each
# event and should take seconds, not minutes: `timeout` is when it is stopped. When it raises, it runs again
# later, at most `retries` times. Other ways to end are `raise Skip(reason)`, `raise RetryLater(seconds)` and
# `raise PermanentError(message)`. `dry_run` lets `hooks replay --dry-run=handlers` call it.
@router.on(*KNOWN_TYPES, retries=5, timeout=30, dry_run=True)
def log_event(event: Event, ctx: Context) -> None:
    # ctx.log is a structlog logger that adds the event's id, the handler's name and the attempt by itself.
    # Log a fixed name and fields, so that logs can be searched; leave out what is private in event.data.
    ctx.log.info("event_seen", type=event.type, subject=event.subject)
