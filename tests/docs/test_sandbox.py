"""docs/sandbox.md, followed to the letter: its commands are run against a sandbox, and print what it says."""

import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from sandbox.port import listen
from sandbox.sandbox import Sandbox, utc_now
from sandbox.server import SandboxServer
from sandbox.world import World
from tests.sandbox.verifying_server import SECRET, Verifying, verifying_server
from tests.servers.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
_STEP = re.compile(
    r"^```sh\n(?P<command>.*?)^```$(?:\n+^```text\n(?P<printed>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
_CHANGING = (
    (re.compile(r"\b(vec|req)_\w+"), r"\1_ID"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIMESTAMP"),
)


def _comparable(text: str) -> str:
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return re.sub(r"\s+", " ", text).replace("}{", "} {").strip()


@pytest.fixture
def receiver() -> Iterator[Verifying]:
    with verifying_server() as seen:
        yield seen


@pytest.fixture
def address(receiver: Verifying) -> Iterator[str]:
    """Give where a sandbox listens that knows the receiver, as one that `hooks up` started does."""
    sandbox = Sandbox(World(now=utc_now, chance=Random(1), agent_seconds=0))
    sandbox.know_webhook(receiver.url, SECRET)
    listening = listen("127.0.0.1", 0)
    host, port = listening.getsockname()
    server = SandboxServer(sandbox.application, listening)
    thread = threading.Thread(target=server.serve)
    thread.start()
    sandbox.start()
    try:
        yield f"{host}:{port}"
    finally:
        server.stop()
        thread.join(20)
        sandbox.close()


def test_every_command_does_what_the_page_says(address: str, receiver: Verifying) -> None:
    steps = list(_STEP.finditer(PAGE.read_text()))
    assert len(steps) == PAGE.read_text().count("```sh")
    *before, reset = steps
    assert "/_sandbox/reset" in reset["command"], "it forgets what is still to be sent, so it comes last"
    printed = _run(before, address)
    wait_until(lambda: {b'"memory.stored"', b'"agent.failed"'} <= _types(receiver), 20)
    printed += _run([reset], address)
    for step, said in zip(steps, printed.split("<step>\n")[1:], strict=True):
        told = step["command"] + said
        if step["printed"] is not None:
            assert _comparable(said) == _comparable(step["printed"]), told
        elif '"fault": "500"' not in step["command"]:
            assert '"error"' not in said, told
    assert "The disk was full." in printed
    assert '"allowed":false' in printed


def _run(steps: list[re.Match[str]], address: str) -> str:
    marked = "".join(f"echo '<step>'\n{step['command']}\n" for step in steps)
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", marked.replace("127.0.0.1:8010", address)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _types(receiver: Verifying) -> set[bytes]:
    return {found for body in receiver.bodies for found in re.findall(rb'"type":("[a-z.]+")', body)}
