"""`hooks webhooks` from end to end: a sandbox that sends events all the while, and a receiver of its own."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from console.webhooks import webhooks
from eventlog.listing import read_page
from eventlog.rejects import RejectFilter, read_rejects
from eventlog.selection import Selection
from receiver.secret_settings import SECRET_VARIABLE
from sandbox.port import listen
from sandbox.sandbox import Sandbox, utc_now
from sandbox.server import SandboxServer
from sandbox.world import World
from tests.receiver.running_door import RunningDoor, running_door
from tests.servers.waiting import wait_until
from tests.system.up import ROOT

SECRET = "whsec_made_by_hooks_up"
KEY = "cc_dev_sandbox"


class Scene:
    """A receiver, and a sandbox in which something happens all the time."""

    def __init__(self, door: RunningDoor, sandbox: Sandbox, api_url: str, folder: Path) -> None:
        self.door = door
        self.sandbox = sandbox
        self.api_url = api_url
        self.folder = folder
        self.stored = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)

    @property
    def accepted(self) -> list[str]:
        text = (self.folder / ".env").read_text()
        return text.partition("=")[2].strip().strip("'").split()

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(webhooks, arguments)

    def kill_midway(self, seconds: float, *arguments: str) -> bool:
        """Kill the command after so long; tell whether it had ended by then."""
        command = [sys.executable, "-m", "console", "webhooks", *arguments]
        process = subprocess.Popen(
            command, cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
        )
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return False

    def start(self) -> None:
        self._thread.start()

    def _act(self) -> None:
        with httpx2.Client(headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as client:
            while not self._ends.wait(0.05):
                body = {"id": f"memory-{self.stored}", "content": "x"}
                assert client.post(f"{self.api_url}/memory/store", json=body).status_code == 201
                self.stored += 1

    def end(self) -> None:
        self._ends.set()
        self._thread.join()

    def assert_that_nothing_was_refused(self, *, missed: int = 0) -> None:
        """See that each event was accepted when it was first sent."""
        self.end()
        outbox = self.sandbox.outbox
        wait_until(lambda: all(each.state in ("delivered", "cancelled") for each in outbox.deliveries()), 20)
        deliveries = outbox.deliveries()
        statuses = [attempt.status for each in deliveries for attempt in each.attempts]
        assert set(statuses) <= {202, 200}
        page = read_page(self.door.event_log, Selection(type="memory.stored"), limit=1000)
        assert len(page.events) >= self.stored - missed
        assert read_rejects(self.door.event_log, RejectFilter()) == []


@contextmanager
def sandbox_at_a_port(*, one_per_url: bool) -> Iterator[tuple[Sandbox, str]]:
    world = World(
        now=utc_now, chance=random.SystemRandom(), plan="enterprise", one_webhook_per_url=one_per_url
    )
    sandbox = Sandbox(world)
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/v2"
    server = SandboxServer(sandbox.application, listening)
    thread = threading.Thread(target=server.serve, daemon=True)
    sandbox.start()
    thread.start()
    try:
        yield sandbox, url
    finally:
        server.stop()
        thread.join()
        sandbox.close()


@contextmanager
def a_scene(
    sqlite_url: str,
    redis_url: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    one_per_url: bool = False,
) -> Iterator[Scene]:
    home = folder / "home"
    home.mkdir()
    (home / "webhook-secret").write_text(SECRET)
    variables = {
        SECRET_VARIABLE: "",
        "HOOKS_HOME": str(home),
        "HOOKS_WEBHOOK_SECRET_FILE": str(home / "webhook-secret"),
    }
    with (
        sandbox_at_a_port(one_per_url=one_per_url) as (sandbox, api_url),
        running_door("rsgi", database_url=sqlite_url, redis_url=redis_url, **variables) as door,
    ):
        for name, value in {
            **variables,
            "DATABASE_URL": sqlite_url,
            "CHAOZCODE_API_URL": api_url,
            "CHAOZCODE_API_KEY": KEY,
            "PORT": str(door.port),
            "HOOKS_TLS_CERT": "",
            "HOOKS_SANDBOX_PORT": str(httpx2.URL(api_url).port),
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(door.folder)
        scene = Scene(door, sandbox, api_url, door.folder)
        try:
            yield scene
        finally:
            scene.end() if scene._thread.ident else None


def test_register_list_test_and_delete(
    sqlite_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.webhooks.probe._STEADY_SECONDS", 0.5)
    monkeypatch.setattr("console.webhooks.round_trip._REFUSED_SECONDS", 0.1)
    with a_scene(sqlite_url, redis_url, tmp_path, monkeypatch) as scene:
        url = scene.door.url
        done = scene.run("register", url, "--events", "memory.*,agent.failed")
        assert done.exit_code == 0, done.output
        assert "the test event arrived after" in done.output
        assert "(4 types of events)" in done.output
        secret, from_up = scene.accepted
        assert from_up == SECRET
        assert secret not in done.output
        (webhook,) = scene.sandbox.world.webhooks.all()
        assert (webhook.url, webhook.secret) == (url, secret)

        before = (scene.folder / ".env").stat().st_mtime_ns
        again = scene.run("register", url)
        assert again.exit_code == 0
        assert f"registered already, as {webhook.id}: nothing was changed" in again.output
        assert (scene.folder / ".env").stat().st_mtime_ns == before
        assert scene.sandbox.world.webhooks.all() == (webhook,)

        scene.sandbox.world.webhooks.create(
            "https://elsewhere.example.com/", ["agent.failed"], "not_ours_at_all"
        )
        listed = scene.run("list").output.splitlines()
        assert [line.startswith("*") for line in listed if "wh_" in line] == [True, False]
        assert '"here": true' in scene.run("list", "--json").output
        assert secret not in scene.run("list", "--json").output

        for named in (webhook.id, url):
            tested = scene.run("test", named)
            assert tested.exit_code == 0, tested.output
            assert "(webhook.test)" in tested.output
        (scene.folder / ".env").write_text(f"{SECRET_VARIABLE}=quite_another_secret\n")
        scene.door.logged("secrets_changed", "accepted=1")
        refused = scene.run("test", webhook.id)
        assert refused.exit_code == 1
        assert "was refused with 401, signature does not fit" in refused.output
        assert "rejects explain" in refused.output

        assert f"deleted: {webhook.id}\n" in scene.run("delete", webhook.id).output
        gone = scene.run("delete", webhook.id)
        assert (gone.exit_code, "see: hooks webhooks list" in gone.output) == (1, True)


def test_no_event_is_refused_while_the_secret_changes(
    sqlite_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.webhooks.probe._STEADY_SECONDS", 1.0)
    with a_scene(sqlite_url, redis_url, tmp_path, monkeypatch) as scene:
        scene.sandbox.world.webhooks.create(scene.door.url, ["memory.stored"], SECRET)
        scene.start()
        done = scene.run("rotate", scene.door.url, "--settle", "0.5")
        assert done.exit_code == 0, done.output
        scene.assert_that_nothing_was_refused()
        (webhook,) = scene.sandbox.world.webhooks.all()
        assert scene.accepted == [webhook.secret]
        assert webhook.events == ("memory.stored",)
        wait_until(lambda: scene.door.logged("secrets_changed", "accepted=1"))


@pytest.mark.long
@pytest.mark.parametrize("one_per_url", [False, True])
def test_nor_when_it_is_killed_midway_again_and_again(
    *, one_per_url: bool, sqlite_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    with a_scene(sqlite_url, redis_url, tmp_path, monkeypatch, one_per_url=one_per_url) as scene:
        scene.sandbox.world.webhooks.create(scene.door.url, ["memory.stored"], SECRET)
        scene.start()
        arguments = ("rotate", scene.door.url, "--settle", "1")
        ended = any(scene.kill_midway(chance.uniform(0.8, 6), *arguments) for _ in range(6))
        if not ended:
            done = scene.run(*arguments)
            assert done.exit_code == 0, done.output
        time.sleep(1)
        scene.assert_that_nothing_was_refused(missed=200 if one_per_url else 0)
        (webhook,) = scene.sandbox.world.webhooks.all()
        assert scene.accepted == [webhook.secret]
