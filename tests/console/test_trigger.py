import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.trigger import trigger
from tests.sandbox.verifying_server import SECRET, Verifying, verifying_server
from tests.servers.certificate import make_certificate


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("HOOKS_HOME", "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", f"{SECRET} an-older-one")
    folder = tmp_path / ".hooks"
    folder.mkdir()
    return folder


@pytest.fixture
def server() -> Iterator[Verifying]:
    with verifying_server() as seen:
        yield seen


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(trigger, arguments, input=stdin)


def test_a_sample_is_signed_sent_and_told_in_one_line(server: Verifying) -> None:
    result = run("memory.stored", "--url", server.url)
    assert result.exit_code == 0, result.output
    event = json.loads(server.bodies[0])
    status, said, event_id, event_type, milliseconds, unit = result.output.split()
    assert (status, said, event_id, event_type, unit) == (
        "202",
        "accepted",
        event["id"],
        "memory.stored",
        "ms",
    )
    assert float(milliseconds) > 0
    assert event["data"]["memoryId"] == "project-update"


def test_the_url_and_the_secret_come_from_what_is_running(
    server: Verifying, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAOZCODE_WEBHOOK_SECRET")
    (home / "webhook-secret").write_text(f"{SECRET}\n")
    (home / "url").write_text(f"{server.url}\n")
    assert run("memory.stored").exit_code == 0
    assert len(server.bodies) == 1


def test_without_a_noted_url_it_is_this_machine_at_port(
    server: Verifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", server.url.rpartition(":")[2].partition("/")[0])
    assert run("memory.stored").exit_code == 0


def test_where_the_receiver_serves_https_it_is_called_by_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = make_certificate(home)
    monkeypatch.setenv("HOOKS_TLS_CERT", str(cert))
    with verifying_server(tls=(cert, key)) as secured:
        assert secured.url.startswith("https://")
        monkeypatch.setenv("PORT", secured.url.rpartition(":")[2].partition("/")[0])
        result = run("memory.stored")
    assert result.exit_code == 0, result.output
    assert len(secured.bodies) == 1


def test_without_a_secret_it_says_where_one_comes_from(
    server: Verifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", "  ")
    result = run("memory.stored", "--url", server.url)
    assert result.exit_code == 1
    assert "CHAOZCODE_WEBHOOK_SECRET" in result.output
    assert not server.headers


@pytest.mark.parametrize("data", ['{"a": 1,  "b": 1e999}', "null", "[1]", "9" * 5000, '"é"'])
def test_given_data_replaces_the_samples_to_the_last_byte(server: Verifying, data: str) -> None:
    assert run("memory.stored", "--data", data, "--url", server.url).exit_code == 0
    assert server.bodies[0].endswith(b'"data":' + data.encode() + b"}")


def test_data_comes_from_a_file_or_standard_input(server: Verifying, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"from": "a file"}')
    assert run("memory.stored", "--data", "@data.json", "--url", server.url).exit_code == 0
    assert run("memory.stored", "--data", "@-", "--url", server.url, stdin=b'{"x":1}').exit_code == 0
    assert [json.loads(body)["data"] for body in server.bodies] == [{"from": "a file"}, {"x": 1}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6"),
        ("{a: 1}", "line 1, column 2"),
        ("NaN", "knows no NaN"),
        ("[" * 200_000, "nested too deeply"),
        ("@missing.json", "missing.json can't be read: No such file"),
        ("@latin1", "latin1 is not UTF-8: byte 1"),
        ("@broken", "column 1 in broken"),
    ],
)
def test_data_that_is_no_json_is_wrong_usage(
    server: Verifying, tmp_path: Path, data: str, words: str
) -> None:
    (tmp_path / "latin1").write_bytes(b'"\xe9"')
    (tmp_path / "broken").write_text("oops")
    result = run("memory.stored", "--data", data, "--url", server.url)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
    assert not server.headers


def test_duplicates_have_the_same_bytes(server: Verifying) -> None:
    result = run("agent.failed", "--duplicate", "--id", "evt_mine", "--url", server.url)
    assert result.exit_code == 0
    assert [line.split()[:3] for line in result.output.splitlines()] == [
        ["202", "accepted", "evt_mine"],
        ["200", "duplicate", "evt_mine"],
    ]
    assert server.bodies[0] == server.bodies[1]


def test_a_bad_signature_must_be_refused(server: Verifying) -> None:
    result = run("memory.stored", "--bad-signature", "--url", server.url)
    assert result.exit_code == 0
    assert "401 UNAUTHORIZED: The signature is wrong." in result.output
    assert "refused, as it should be" in result.output
    server.answer = (202, {"status": "accepted"})
    careless = run("memory.stored", "--bad-signature", "--url", server.url)
    assert careless.exit_code == 1
    assert "as it should be" not in careless.output


def test_a_refusal_is_a_failure_that_says_why(server: Verifying) -> None:
    server.answer = (422, {"error": {"code": "VALIDATION_ERROR", "message": "no \x1b[31mtype"}})
    result = run("memory.stored", "--url", server.url)
    assert result.exit_code == 1
    assert "422 VALIDATION_ERROR: no" in result.output
    assert "\x1b" not in result.output


def test_where_nothing_listens_it_asks_for_hooks_up() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/"
        for count in ("1", "100"):
            result = run("memory.stored", "--count", count, "--url", url)
            assert result.exit_code == 1
            assert f"nothing listens at {url}" in result.output
            assert "is `hooks up` running?" in result.output


def test_many_are_summed_up(server: Verifying) -> None:
    result = run("memory.updated", "--count", "200", "--url", server.url)
    assert result.exit_code == 0, result.output
    assert len({json.loads(body)["id"] for body in server.bodies}) == 200
    assert 1 < len(server.connections) <= 8
    first, second = result.output.splitlines()
    assert first.startswith("200 sent in ")
    assert "a second; p50 " in first
    assert "p99 " in first
    assert second == "  200 x 202 accepted"


def test_what_was_refused_of_many_is_named(server: Verifying) -> None:
    server.answer = (503, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "The log is away."}})
    result = run("memory.updated", "--count", "21", "--url", server.url)
    assert result.exit_code == 1
    assert "  21 x 503 SERVICE_UNAVAILABLE: The log is away. (such as evt_" in result.output
    assert len(server.connections) == 1


def test_up_to_twenty_are_told_one_by_one(server: Verifying) -> None:
    result = run("memory.updated", "--count", "20", "--rate", "1000", "--url", server.url)
    assert len(result.output.splitlines()) == 20


def test_an_unknown_type_is_sent_with_a_note(server: Verifying) -> None:
    result = run("memory.archived", "--url", server.url)
    assert result.exit_code == 0
    assert "documents no type 'memory.archived', only memory.stored" in result.stderr
    assert json.loads(server.bodies[0])["type"] == "memory.archived"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--id", "x", "--count", "3"], "--duplicate"),
        (["--count", "0"], "--count"),
        (["--rate", "0"], "--rate"),
        (["--url", "ftp://example.com/"], "http"),
        (["--url", "localhost:8000"], "http"),
        (["--url", "http://[::1"], "can't be used"),
        (["--url", ""], "can't be used"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    result = run("memory.stored", *arguments)
    assert result.exit_code == 2
    assert words in result.output
