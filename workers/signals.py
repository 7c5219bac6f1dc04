"""What is asked of signals after each handler.

As in `signal`, without its names for what was found: those take microseconds, and nobody looks at them.
"""

from _signal import getsignal as handler_of  # type: ignore[import-not-found]
from _signal import pthread_sigmask as change_mask

__all__ = ["change_mask", "handler_of"]
