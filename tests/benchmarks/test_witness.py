import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.load.witness import Witness
from tests.servers.waiting import wait_until


class Door:
    """Acknowledges so many requests, then reads one more and cuts every connection without an answer."""

    def __init__(self, answers: int) -> None:
        self.port = 0
        self.got: list[tuple[str, bytes]] = []
        self.answered: set[str] = set()
        self._answers = answers
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                body = await reader.readexactly(int(head.partition("Content-Length: ")[2].split()[0]))
                event_id = json.loads(body)["id"]
                self.got.append((event_id, body))
                if len(self.answered) >= self._answers:
                    return
                known = event_id in self.answered
                self.answered.add(event_id)
                writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: 2\r\n\r\n{}" % (200 if known else 202))
                if "Connection: close" in head:
                    return
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()

    @contextmanager
    def open(self) -> Iterator["Door"]:
        self._thread.start()
        assert self._ready.wait(10)
        yield self
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)


def test_a_witness_knows_exactly_what_was_acknowledged_when_it_is_cut_off() -> None:
    witness = Witness("seed")
    with Door(answers=60).open() as door:
        sending = threading.Thread(
            target=witness.send, args=(door.port,), kwargs={"connections": 4, "kept_alive": 0.5}, daemon=True
        )
        sending.start()
        wait_until(lambda: len(door.answered) == 60)
        witness.stop()
        sending.join(30)
        assert not sending.is_alive()
    seen = witness.record
    assert seen.acknowledged == door.answered
    assert seen.unanswered.keys() == seen.digests.keys() - door.answered
    assert seen.statuses[202] == 60
    assert seen.statuses[200] > 0, "nothing was repeated"
    first: dict[str, bytes] = {}
    for event_id, body in door.got:
        first.setdefault(event_id, hashlib.sha256(body).digest())
    assert first.items() <= seen.digests.items()
    assert any(hashlib.sha256(body).digest() != first[event_id] for event_id, body in door.got)
    assert len({len(body) for _, body in door.got}) > 4


def test_what_was_not_acknowledged_is_sent_again() -> None:
    witness = Witness("seed")
    with Door(answers=0).open() as door:
        witness.send(door.port, connections=64, kept_alive=1)
    assert 1 < len(witness.record.unanswered) < len(door.got) == 64
    assert set(door.got) == {(each.id, each.body) for each in witness.record.unanswered.values()}, (
        "while there is no 2xx, each is sent with its first body"
    )
    with Door(answers=100).open() as door:
        witness.settle(door.port)
        assert {event_id for event_id, _ in door.got} == witness.record.digests.keys()
    assert not witness.record.unanswered
    assert witness.record.acknowledged == witness.record.digests.keys()
