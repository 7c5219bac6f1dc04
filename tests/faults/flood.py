"""As many signed events as one process can send over many connections, with each answer's status and time."""

import asyncio
import time
from dataclasses import dataclass

from tests.faults.stream import signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of one request."""

    event_id: str
    status: int
    seconds: float


def flood(port: int, name: str, *, seconds: float, connections: int) -> list[Answered]:
    """Send for so long; gives all answers. A connection that is cut is an error."""
    return asyncio.run(_flood(port, name, seconds, connections))


async def _flood(port: int, name: str, seconds: float, connections: int) -> list[Answered]:
    until = time.monotonic() + seconds
    answered: list[Answered] = []
    async with asyncio.timeout(seconds + 60):
        await asyncio.gather(
            *(_send(port, f"{name}_{number}", until, answered) for number in range(connections))
        )
    return answered


async def _send(port: int, name: str, until: float, answered: list[Answered]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.monotonic() < until:
        count += 1
        event_id = f"evt_{name}_{count}"
        body, headers = signed({"id": event_id, "type": "memory.stored", "data": {"fill": "x" * 500}})
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = [
            "POST /webhooks/chaozcode HTTP/1.1",
            "Host: localhost",
            f"Content-Length: {len(body)}",
            *lines,
        ]
        began = time.monotonic()
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.partition("content-length:")[2].split()[0])
        await reader.readexactly(length)
        seconds = time.monotonic() - began
        answered.append(Answered(event_id=event_id, status=int(answer.split()[1]), seconds=seconds))
    writer.close()
