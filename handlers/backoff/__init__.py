"""How long a failed handler waits before it is tried again; each policy is a value that decides."""
