"""The server over real sockets: streams piece by piece, and cuts connections where it is told to."""

import threading
from collections import deque
from collections.abc import Iterator
from random import Random

import httpx2
import pytest

from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.port import listen
from sandbox.sandbox import Sandbox, utc_now
from sandbox.server import SandboxServer
from sandbox.world import World

PROMPT = {"message": "one two three four five six", "options": {"token": SANDBOX_TOKEN}}


class Served:
    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.sandbox = Sandbox(World(now=utc_now, chance=Random(1)), sleep=self._sleep)
        listening = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.server = SandboxServer(self.sandbox.application, listening)

    def _sleep(self, seconds: float) -> None:
        if seconds:
            assert self.gate.acquire(timeout=20), "nobody let it go on"


@pytest.fixture
def served() -> Iterator[Served]:
    it = Served()
    thread = threading.Thread(target=it.server.serve)
    thread.start()
    try:
        yield it
    finally:
        it.gate.release(100)
        it.server.stop()
        thread.join(20)
        it.sandbox.close()
    assert not thread.is_alive()


@pytest.fixture
def client(served: Served) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=served.url, trust_env=False, timeout=20) as it:
        yield it


SSE = {"Accept": "text/event-stream"}


def test_a_stream_arrives_while_it_is_made(served: Served, client: httpx2.Client) -> None:
    client.post("/_sandbox/chucky/replies", json={"pieces": ["a", "b"], "seconds": 1})
    served.gate.release()
    with client.stream("POST", "/prompt", json=PROMPT, headers=SSE) as response:
        pieces = response.iter_raw()
        assert b'"a"' in next(pieces)  # the second is not made before it is let
        served.gate.release(10)
        assert b"event: done" in b"".join(pieces)


def test_a_stream_that_is_cut_ends_in_an_error(client: httpx2.Client) -> None:
    client.post("/_sandbox/faults", json={"fault": "cut", "path": "/prompt"})
    arrived: list[bytes] = []
    with client.stream("POST", "/prompt", json=PROMPT, headers=SSE) as response:
        assert response.status_code == 200
        pieces = map(arrived.append, response.iter_raw())
        with pytest.raises(httpx2.RemoteProtocolError):
            deque(pieces)
    assert b"".join(arrived).count(b"event: message") == 1


@pytest.mark.parametrize("after", [None, 0, 5])
def test_a_reply_that_is_cut_ends_in_an_error(client: httpx2.Client, after: int | None) -> None:
    client.post("/_sandbox/faults", json={"fault": "cut", "path": "/prompt", "after": after})
    with pytest.raises(httpx2.RemoteProtocolError):
        client.post("/prompt", json=PROMPT)
    assert client.post("/prompt", json=PROMPT).status_code == 200


def test_many_are_answered_at_once(served: Served, client: httpx2.Client) -> None:
    client.post("/_sandbox/chucky/replies", json={"text": "slow", "seconds": 1})
    answers: list[int] = []
    slow = threading.Thread(
        target=lambda: answers.append(
            httpx2.post(f"{served.url}/prompt", json=PROMPT, timeout=20).status_code
        )
    )
    slow.start()
    assert client.get("/v2/health").status_code == 200
    served.gate.release()
    slow.join(20)
    assert answers == [200]
