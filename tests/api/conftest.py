"""The sandbox in this process, on a clock that is set by hand, and both clients on a wire that is watched."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx2
import pytest

from clients.chaozcode.client import ChaozCode
from clients.chucky.client import Chucky
from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.keys import FIXED_KEYS
from sandbox.plans import PlanName
from sandbox.sandbox import Sandbox
from sandbox.sender import Reply
from sandbox.world import World
from tests.api.descriptions import CHAOZCODE, CHUCKY
from tests.api.wire import HeldWire

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Clock:
    """Stands still unless it is told to pass; what is to happen later happens then."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 30, 12, tzinfo=UTC)
        self._later: list[tuple[datetime, Callable[[], object]]] = []

    def now(self) -> datetime:
        return self._now

    def seconds(self) -> float:
        return self._now.timestamp()

    def pass_by(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        due = [function for at, function in self._later if at <= self._now]
        self._later = [(at, function) for at, function in self._later if at > self._now]
        for function in due:
            function()

    def forget(self) -> None:
        self._later.clear()

    def call(self, seconds: float, function: Callable[[], object]) -> None:
        self._later.append((self._now + timedelta(seconds=seconds), function))


class Receiver:
    """Where all webhooks go, whatever their URL: nothing leaves this process."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def __call__(self, url: str, secret: bytes, body: bytes) -> Reply:
        self.bodies.append(body)
        return Reply(status=202, body=b"", seconds=0.0)


def a_sandbox(clock: Clock, receiver: Receiver, *, plan: PlanName = "enterprise") -> Sandbox:
    """Build the sandbox with both its sides; by default its calls are not limited soon."""
    chance = random.Random(5)  # for ids
    world = World(now=clock.now, chance=chance, plan=plan)
    return Sandbox(world, now=clock.now, chance=chance, post=receiver, sleep=clock.pass_by, later=clock)


def within(sandbox: Sandbox) -> httpx2.BaseTransport:
    """Give a way to the sandbox that leaves this process never."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # PEP 3333 wants the path's bytes as Latin-1; httpx2 gives them as text.
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
        return sandbox.application(environ, start_response)

    return httpx2.WSGITransport(application)


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def kept_receiver() -> Receiver:
    return Receiver()


@pytest.fixture(scope="session")
def kept_sandbox(clock: Clock, kept_receiver: Receiver) -> Sandbox:
    return a_sandbox(clock, kept_receiver)


@pytest.fixture
def sandbox(kept_sandbox: Sandbox, clock: Clock) -> Sandbox:
    """Give one that has forgotten everything, which is quicker made than a new one."""
    clock.forget()
    kept_sandbox.reset()
    return kept_sandbox


@pytest.fixture
def receiver(kept_receiver: Receiver) -> Receiver:
    kept_receiver.bodies.clear()
    return kept_receiver


@pytest.fixture
def key() -> str:
    return FIXED_KEYS["development"]


@pytest.fixture
def wire(sandbox: Sandbox) -> HeldWire:
    return HeldWire(CHAOZCODE, within(sandbox))


@pytest.fixture
def chaozcode(wire: HeldWire, key: str) -> Iterator[ChaozCode]:
    with ChaozCode(key, transport=wire) as client:
        yield client


@pytest.fixture
def token() -> str:
    return SANDBOX_TOKEN


@pytest.fixture
def chucky_wire(sandbox: Sandbox) -> HeldWire:
    return HeldWire(CHUCKY, within(sandbox))


@pytest.fixture
def chucky(chucky_wire: HeldWire, token: str) -> Iterator[Chucky]:
    with Chucky(token, transport=chucky_wire) as client:
        yield client
