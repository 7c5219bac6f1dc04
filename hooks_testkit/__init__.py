"""For tests of handlers: a whole path for events in one process, storms on it, and a plugin for pytest."""
