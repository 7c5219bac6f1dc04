"""What the tests of handlers share."""

import importlib
import sys
from collections.abc import Iterator

import pytest

from hooks_testkit.plugin import chaozcode, chucky  # pytest finds them by itself where we are installed

__all__ = ["chaozcode", "chucky", "modules_restored"]


@pytest.fixture
def modules_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test import modules of its own, and forget them afterwards."""
    modules, path = dict(sys.modules), list(sys.path)
    monkeypatch.setattr(
        sys, "dont_write_bytecode", True
    )  # a file rewritten within a second would look unchanged
    importlib.invalidate_caches()
    yield
    for name in set(sys.modules) - set(modules):
        module = sys.modules.pop(name)
        parent, _, child = name.rpartition(".")
        if parent in modules and getattr(modules[parent], child, None) is module:
            delattr(modules[parent], child)
    sys.path[:] = path
    importlib.invalidate_caches()
