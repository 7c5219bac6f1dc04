"""What `hooks up` prints: one readable line for each thing that happens."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import click

from console.visible import visible, visible_line
from handlers.pace import DEFAULT_QUEUE

_WORD_WIDTH: Final = 10
_FIRST_ERROR: Final = 400
_COLOURS: Final = {
    "done": "green",
    "dead": "red",
    "waiting": "yellow",
    "unhandled": "yellow",
    "error": "red",
    "warning": "yellow",
}
_OWN_FIELDS: Final = (
    "event",
    "level",
    "logger",
    "timestamp",
    "event_id",
    "type",
    "handler",
    "attempt",
    "replay",
)

Fields = Mapping[str, Any]


def show(text: str, *, colour: str | None = None, word: str = "", at: datetime | None = None) -> None:
    """Print one line with its time, and a word that says what it is about."""
    time = (at or datetime.now().astimezone()).strftime("%H:%M:%S")
    # A long name, as of the worker of a queue, is still kept apart from what it says.
    padded = word.ljust(_WORD_WIDTH) if len(word) < _WORD_WIDTH else f"{word}  "
    line = f"{click.style(time, dim=True)}  {click.style(padded, fg=colour)}{text}"
    click.echo(line, color=sys.stdout.isatty())


def show_log_line(process: str, line: str) -> None:
    """Print what a process logged, in words; a line that is no log event is printed as it is."""
    try:
        fields = json.loads(line)
        at = datetime.fromisoformat(fields["timestamp"]).astimezone()
        word, text, colour = _WORDINGS.get(fields["event"].partition("_")[0], _other)(fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        if line.strip():
            show(visible_line(line), word=process)
        return
    show(visible_line(text), colour=colour, word=word or process, at=at)
    if "exception" in fields and isinstance(fields["exception"], str):
        click.echo(visible(fields["exception"]))


def _event(fields: Fields) -> tuple[str, str, str | None]:
    event_id = fields["event_id"]
    match fields["event"]:
        case "event_accepted":
            return "received", f"{event_id}  {fields['type']}", "cyan"
        case "event_duplicate":
            differs = ", with another body, which is kept" if fields.get("differs") else ""
            return "received", f"{event_id}  {fields['type']}  again{differs}", "cyan"
        case "event_settled":
            state = "waiting for its retry" if fields["state"] == "waiting" else fields["state"]
            return "settled", f"{event_id}  {state}", _COLOURS.get(fields["state"])
        case "event_handed_on":
            return "handed on", f"{event_id}  to handlers that run apart", None
    return _other(fields)


def _delivery(fields: Fields) -> tuple[str, str, str | None]:
    state = fields["event"].removeprefix("delivery_")
    verb = ("failed" if fields.get("error") else "put off") if state == "waiting" else state
    text = f"{fields['event_id']}  {fields['handler']}  {verb}"
    if "milliseconds" in fields:
        text += f" in {fields['milliseconds']:g} ms"
    if fields["attempt"] > 1:
        text += f", attempt {fields['attempt']}"
    if "replay" in fields:
        text += f", replay {fields['replay']}"
    if "retry_in_seconds" in fields:
        text += f", again in {fields['retry_in_seconds']:g} s"
    for name in ("error", "reason"):
        if fields.get(name):
            text += f": {_first_line(str(fields[name]))}"
    return "ran", text, _COLOURS.get(state)


def _first_line(text: str) -> str:
    first, *rest = text.strip().splitlines() or [""]
    return f"{first} ..." if rest else first


def _refused(fields: Fields) -> tuple[str, str, str | None]:
    if fields["event"] != "request_refused":
        return _other(fields)
    about = "  ".join(str(fields[name]) for name in ("event_id", "field", "reason") if fields.get(name))
    return (
        "refused",
        f"{fields['status']} {fields['code']}  {fields['request_id']}  {about}".rstrip(),
        "yellow",
    )


def _process(fields: Fields) -> tuple[str, str, str | None]:
    if not fields["event"].endswith("_ready"):
        return _other(fields)
    handlers = fields.get("handlers")
    counted = "" if handlers is None else f", {handlers} handler{'' if handlers == 1 else 's'}"
    queue = fields.get("queue", DEFAULT_QUEUE)
    return "", f"ready{counted}{'' if queue == DEFAULT_QUEUE else f', queue {queue}'}", None


def _of_the_clock(fields: Fields) -> tuple[str, str, str | None]:
    match fields:
        case {"event": "replay_fed", "replay": number}:
            return "replay", f"{number}: all of its events are handed out", None
        case {"event": "replay_next_stage", "replay": number, "after": count}:
            return "replay", f"{number}: the first {count} ended well, it goes on with more", None
        case {"event": "replay_stopped", "replay": number, "reason": reason}:
            return "replay", f"{number}: stopped, {_first_line(str(reason))}", "red"
        case {"event": "job_missed", "events": count, "first": first}:
            return "clock", f"sent jobs for {count} that waited in the log alone, {first} first", None
        case {"event": "lease_expired", "events": count, "first": first}:
            return "clock", f"queued {count} again whose worker vanished, {first} first", "yellow"
    return _other(fields)


def _sandbox(fields: Fields) -> tuple[str, str, str | None]:
    match fields:
        case {"event": "sandbox_ready", "chaozcode": chaozcode, "chucky": chucky}:
            return "", f"ready, ChaozCode at {chaozcode}, Chucky at {chucky}", None
        case {"event": "sandbox_answered", "method": method, "path": path, "status": status}:
            fault = f", as a fault was set: {fields['fault']}" if "fault" in fields else ""
            text = f"{method} {path}  {status} in {fields['milliseconds']:g} ms{fault}"
            return "", text, None if status < _FIRST_ERROR and not fault else "yellow"
        case {"event": "sandbox_stopped"}:
            return "", "stopped", None
    return _other(fields)


def _webhook(fields: Fields) -> tuple[str, str, str | None]:
    match fields:
        case {"event": "webhook_sent", "event_id": event_id, "type": event_type, "state": state}:
            answer = fields["status"] or _first_line(str(fields.get("reason", "no answer")))
            text = f"{event_id}  {event_type}  webhook sent: {answer} in {fields['milliseconds']:g} ms"
            if fields["attempt"] > 1:
                text += f", attempt {fields['attempt']}"
            if state != "delivered":
                text += ", sent again soon" if state == "waiting" else f", {state}"
            return "", text, None if state == "delivered" else "yellow"
    return _other(fields)


def _call_repeated(fields: Fields) -> tuple[str, str, str | None]:
    """Tell what stamina logs when a client makes a call again; a handler of the user's may use it too."""
    if "wait_for" not in fields or "caused_by" not in fields:
        return _other(fields)
    text = f"called again in {fields['wait_for']:g} s: {_first_line(str(fields['caused_by']))}"
    return "", text, "yellow"


def _other(fields: Fields) -> tuple[str, str, str | None]:
    details = "  ".join(
        f"{name}={value}" for name, value in fields.items() if name not in (*_OWN_FIELDS, "exception")
    )
    about = "  ".join(str(fields[name]) for name in ("handler", "event_id") if name in fields)
    text = "  ".join(part for part in (about, str(fields["event"]), details) if part)
    return "log" if "handler" in fields else "", text, _COLOURS.get(fields["level"])


_WORDINGS: Final[Mapping[str, Callable[[Fields], tuple[str, str, str | None]]]] = {
    "event": _event,
    "delivery": _delivery,
    "request": _refused,
    "replay": _of_the_clock,
    "job": _of_the_clock,
    "lease": _of_the_clock,
    "receiver": _process,
    "worker": _process,
    "clock": _process,
    "sandbox": _sandbox,
    "webhook": _webhook,
    "stamina.retry": _call_repeated,
}
