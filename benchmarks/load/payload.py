"""Events with bodies of a wanted size, as ChaozCode sends them, of random text that nothing compresses."""

import base64
import random
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

SMALLEST_BYTES: Final = 200
LARGEST_BYTES: Final = 256 * 1024


def event_id(prefix: str, number: int) -> str:
    """Give an id as senders make them, which falls anywhere in an index; the same each time."""
    return f"evt_{blake2b(f'{prefix}:{number}'.encode(), digest_size=12).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One event to send."""

    id: str
    body: bytes


class PayloadMaker:
    """Makes events with ids of its own."""

    def __init__(self, prefix: str, *, size: int, own_subjects: bool = False, seed: int = 1) -> None:
        """`size` is that of a body, in bytes; with `own_subjects` no two events are about the same memory."""
        if not SMALLEST_BYTES <= size <= LARGEST_BYTES:
            raise ValueError(f"a body has {SMALLEST_BYTES} to {LARGEST_BYTES} bytes, not {size}")
        self._prefix = prefix
        self._size = size
        self._own_subjects = own_subjects
        self._random = random.Random(seed)
        self._text = base64.b64encode(self._random.randbytes(2 * size))

    def make(self, number: int) -> Payload:
        its_id = event_id(self._prefix, number)
        subject = f"mem_{its_id.removeprefix('evt_')}" if self._own_subjects else f"memory-{number % 10_000}"
        head = (
            f'{{"id":"{its_id}","type":"memory.stored","createdAt":"2026-01-30T12:00:00Z","data":'
            f'{{"memoryId":"{subject}","tags":["project","update"],"content":"'
        ).encode()
        tail = b'"}}'
        missing = self._size - len(head) - len(tail)
        start = self._random.randrange(self._size)
        return Payload(id=its_id, body=head + self._text[start : start + missing] + tail)
