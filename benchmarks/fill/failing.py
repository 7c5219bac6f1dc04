"""What handlers failed of: some causes, each with its message, traceback and fingerprint."""

import hashlib
import random
from dataclasses import dataclass
from typing import Final

HANDLERS: Final = ("mirror", "report", "history", "alert", "audit")
_ERRORS: Final = ("TimeoutError", "ConnectionError", "KeyError", "ValueError", "httpx2.HTTPStatusError")
_CAUSES: Final = 40
_FRAMES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One cause of failures."""

    error_type: str
    message: str
    traceback: str
    fingerprint: str


def make_troubles(choice: random.Random) -> dict[str, tuple[Trouble, ...]]:
    """Give the causes that each handler knows."""
    return {
        handler: tuple(_trouble(handler, number, choice) for number in range(_CAUSES)) for handler in HANDLERS
    }


def _trouble(handler: str, number: int, choice: random.Random) -> Trouble:
    error = choice.choice(_ERRORS)
    message = f"{handler} could not do step {number}"
    frames = "".join(
        f'  File "handlers/custom/{handler}.py", line {choice.randrange(1, 400)}, in step_{frame}\n'
        f"    answer = ask_for_step_{frame}(event.subject, number={number})\n"
        for frame in range(_FRAMES)
    )
    return Trouble(
        error_type=error,
        message=message,
        traceback=f"Traceback (most recent call last):\n{frames}{error}: {message}\n",
        fingerprint=hashlib.sha256(f"{handler}:{number}".encode()).hexdigest()[:16],
    )
