"""How many connections a receiver process may hold open, given how many files it may."""

import resource
from typing import Final

import structlog

MOST_CONNECTIONS: Final = 16_384
_MOST_RESERVED: Final = 1024
_LEAST_RESERVED: Final = 64
"""A receiver that serves nobody has about 25 files open; the log's connections and a stop want some more."""


def allow_connections() -> int:
    """Raise this process's limit of open files as far as it may be, and return how many connections fit.

    The rest stays free for the log, the queue and the database: at the limit no file can be opened at all.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _MOST_RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    fitting = connections_within(soft)
    if fitting < MOST_CONNECTIONS:
        structlog.get_logger("receiver").warning(
            "few_open_files_allowed",
            limit=soft,
            connections=fitting,
            advice=f"raise the limit to {wanted} (ulimit -n, LimitNOFILE=): more clients than that must wait",
        )
    return fitting


def connections_within(limit: int) -> int:
    """Return how many connections to take with a limit of open files: an eighth of it stays free."""
    if limit == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    reserved = max(_LEAST_RESERVED, min(_MOST_RESERVED, limit // 8))
    return max(1, min(MOST_CONNECTIONS, limit - reserved))
