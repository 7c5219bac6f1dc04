"""The fixtures of the kit itself, as a user's tests get them."""

from hooks_testkit.plugin import deliver, event_path, make_event, run, storm

__all__ = ["deliver", "event_path", "make_event", "run", "storm"]
