"""The fixtures that examples of the docs may ask for; pytest finds them by itself where we are installed."""

from hooks_testkit.plugin import chaozcode, chucky, deliver, event_path, make_event, run, storm

__all__ = ["chaozcode", "chucky", "deliver", "event_path", "make_event", "run", "storm"]
