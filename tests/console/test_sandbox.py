import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from console.sandbox import sandbox
from tests.servers.waiting import wait_until
from tests.system.up import environment, free_port


def test_its_help_tells_the_keys_and_how_to_set_faults() -> None:
    said = CliRunner().invoke(sandbox, ["--help"]).output
    for word in ("cc_dev_sandbox", "/_sandbox/faults", "/_sandbox/chucky/replies", "bad_signature"):
        assert word in said


def test_a_port_that_is_taken_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("HOOKS_SANDBOX_PORT", str(taken.getsockname()[1]))
        result = CliRunner().invoke(sandbox)
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert "Address already in use" in line
    assert "HOOKS_SANDBOX_PORT" in line


def test_it_serves_logs_each_request_and_stops_when_told_to(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "sandbox"],
            cwd=tmp_path,
            env=environment(tmp_path, HOOKS_SANDBOX_PORT=str(port), HOOKS_LOG_FORMAT="json"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "sandbox_ready" in log.read_text() or process.poll() is not None, 60)
        health = httpx2.get(f"http://127.0.0.1:{port}/v2/health", trust_env=False, timeout=20)
        assert health.status_code == 200, log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in events] == ["sandbox_ready", "sandbox_answered", "sandbox_stopped"]
    assert (events[1]["method"], events[1]["path"], events[1]["status"]) == ("GET", "/v2/health", 200)
