"""The fixtures of the kit itself, as a user's tests get them."""

from hooks_testkit.plugin import chaozcode, chucky, deliver, event_path, make_event, run, storm

__all__ = ["chaozcode", "chucky", "deliver", "event_path", "make_event", "run", "storm"]
