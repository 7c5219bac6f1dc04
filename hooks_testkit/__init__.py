"""For tests of handlers: a whole path for events in one process, storms on it, and a plugin for pytest."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hooks_testkit.fake_chaozcode import FakeChaozCode
    from hooks_testkit.fake_chucky import FakeChucky

__all__ = ["FakeChaozCode", "FakeChucky"]


def __getattr__(name: str) -> object:
    # Not at import: pytest loads this package with its plugin, in projects that need none of it, too.
    if name == "FakeChaozCode":
        from hooks_testkit.fake_chaozcode import FakeChaozCode  # noqa: PLC0415 - see above

        return FakeChaozCode
    if name == "FakeChucky":
        from hooks_testkit.fake_chucky import FakeChucky  # noqa: PLC0415 - see above

        return FakeChucky
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
