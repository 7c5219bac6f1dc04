"""A sender that remembers exactly what was acknowledged, over connections that may be cut at any moment."""

import asyncio
import hashlib
import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.load.dialect import chaozcode, request_bytes
from benchmarks.load.payload import Payload, PayloadMaker

_SIZES: Final = (200, 400, 1024, 3000, 10 * 1024, 30 * 1024, 100 * 1024)
_REPEATED: Final = 0.2
_WRITTEN_ANEW: Final = 0.05
_ANSWER_SECONDS: Final = 20.0


@dataclass(slots=True, kw_only=True)
class Record:
    """What was sent, and what came back."""

    digests: dict[str, bytes] = field(default_factory=dict)
    """Of the body that each event was first sent with."""
    acknowledged: set[str] = field(default_factory=set)
    """Every id that got a 2xx."""
    unanswered: dict[str, Payload] = field(default_factory=dict)
    """Sent, and no 2xx yet."""
    statuses: Counter[int] = field(default_factory=Counter)


class Witness:
    """Sends unique events, repeats and repeats written anew, over connections of both kinds."""

    def __init__(self, seed: str) -> None:
        self.record = Record()
        self._chance = random.Random(seed)
        self._makers = [PayloadMaker(f"{seed}-{size}", size=size) for size in _SIZES]
        self._number = 0
        self._known: list[Payload] = []
        self._again: list[Payload] = []
        self._over = threading.Event()

    def send(self, port: int, *, connections: int, kept_alive: float) -> None:
        """Send until told to stop, or until every connection has been refused or cut.

        What has no 2xx yet is sent again first, as senders do. `kept_alive` is the share of the connections
        that carry more than one request.
        """
        self._over.clear()
        self._again = list(self.record.unanswered.values())
        asyncio.run(self._send_all(port, connections, kept_alive))

    def stop(self) -> None:
        """Have the senders end after their present answers; from any thread."""
        self._over.set()

    def settle(self, port: int) -> None:
        """Send again what has no 2xx yet, as senders do."""
        asyncio.run(self._send_again(port, list(self.record.unanswered.values())))

    async def _send_all(self, port: int, connections: int, kept_alive: float) -> None:
        kept = round(connections * kept_alive)
        await asyncio.gather(
            *(self._send_over_one(port, is_kept=number < kept) for number in range(connections))
        )

    async def _send_over_one(self, port: int, *, is_kept: bool) -> None:
        try:
            while not self._over.is_set():
                await self._converse(port, is_kept=is_kept)
        except (OSError, asyncio.IncompleteReadError):
            return  # cut by a kill: what was under way stays unanswered

    async def _converse(self, port: int, *, is_kept: bool) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while not self._over.is_set():
                await self._exchange(reader, writer, self._next(), is_kept=is_kept)
                if not is_kept:
                    return
        finally:
            writer.transport.abort()

    async def _send_again(self, port: int, payloads: Sequence[Payload]) -> None:
        for payload in payloads:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await self._exchange(reader, writer, payload, is_kept=False)
            finally:
                writer.transport.abort()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: Payload, *, is_kept: bool
    ) -> None:
        record = self.record
        record.digests.setdefault(payload.id, hashlib.sha256(payload.body).digest())
        if payload.id not in record.acknowledged:
            record.unanswered[payload.id] = payload
        async with asyncio.timeout(_ANSWER_SECONDS):  # its TimeoutError is an OSError
            writer.write(request_bytes(payload, chaozcode, keep_alive=is_kept))
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        status = int(head.split(" ", 2)[1])
        record.statuses[status] += 1
        if 200 <= status < 300:
            record.acknowledged.add(payload.id)
            record.unanswered.pop(payload.id, None)

    def _next(self) -> Payload:
        if self._again:
            return self._again.pop()
        kind = self._chance.random()
        if self._known and kind < _REPEATED:
            known = self._chance.choice(self._known[-1000:])
            is_anew = kind < _WRITTEN_ANEW and known.id in self.record.acknowledged
            # Only after a 2xx is it certain which body is the first.
            return Payload(id=known.id, body=known.body + b" ") if is_anew else known
        self._number += 1
        made = self._chance.choice(self._makers).make(self._number)
        self._known = [*self._known[-1000:], made] if len(self._known) > 2000 else self._known
        self._known.append(made)
        return made
