"""What of an event goes to the receiver: its body, and nothing beside it."""

from eventlog.event import UndecodableData, subject_of
from handlers import Event


def require_subject_in_body(event: Event) -> None:
    """Raise ValueError for an event whose subject its body does not name: it would arrive without it."""
    named = _subject_named(event)
    if event.subject not in (None, named):
        raise ValueError(
            f"event {event.id} has the subject {event.subject!r}, but its body, which is all that is sent,"
            f" names {named!r}: put the subject into the data, as memoryId, agentId or projectId"
        )


def _subject_named(event: Event) -> str | None:
    try:
        return subject_of(event.type, event.data)
    except UndecodableData:
        return None
