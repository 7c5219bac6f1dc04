"""Which function handles a signal, asked often."""

# As `signal.getsignal`, without its look for a name of what it found: that takes 3 µs, mostly in vain.
from _signal import getsignal as handler_of  # type: ignore[import-not-found]

__all__ = ["handler_of"]
