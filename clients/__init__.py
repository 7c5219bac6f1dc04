"""ChaozCode and Chucky, as we call them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .chaozcode.client import ChaozCode
    from .chucky.client import Chucky

__all__ = ["ChaozCode", "Chucky"]


def __getattr__(name: str) -> object:
    # Not at import: the clients load the network, which is slow and of no use to who needs the errors alone.
    if name == "ChaozCode":
        from .chaozcode.client import ChaozCode  # noqa: PLC0415 - see above

        return ChaozCode
    if name == "Chucky":
        from .chucky.client import Chucky  # noqa: PLC0415 - see above

        return Chucky
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
