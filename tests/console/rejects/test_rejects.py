import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.rejects import rejects
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.rejects import Quota, RejectFilter, keep, read_rejects
from eventlog.schema import upgrade
from receiver.answer import TOO_SLOW, UNSIGNED, Refusal, unusable
from receiver.rejection import Rejection
from receiver.signature import sign
from workers.queue.redis_queue import EventQueue

SECRET = b"whsec_today"
OLD_SECRET = b"whsec_last_year"
BODY = b'{"id": "evt_1", "type": "memory.stored"}'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", SECRET.decode())
    monkeypatch.delenv("HOOKS_HOME", raising=False)
    folder = tmp_path / ".hooks"
    folder.mkdir()
    return folder


@pytest.fixture
def log(home: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("REDIS_URL", f"unix://{home / 'nobody.sock'}")
    opened = EventLog.open(sqlite_url)
    upgrade(opened)
    yield opened
    opened.close()


def refuse(
    log: EventLog,
    body: bytes | None = BODY,
    *,
    signature: str | None = None,
    refusal: Refusal = UNSIGNED,
    at: datetime | None = None,
    not_kept: int = 0,
) -> int:
    """Have a request refused, and return its number."""
    rejection = Rejection(
        refusal=refusal,
        request_id="req_0123456789abcdef",
        received_at=at or datetime.now(UTC),
        body=body,
        signature=signature,
    )
    keep(log, [rejection.as_row([SECRET], not_kept=not_kept)], Quota(events=1000, bytes=10_000_000))
    return read_rejects(log, RejectFilter(), limit=1)[0].id


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(rejects, arguments, input=stdin)
    for secret in (SECRET, OLD_SECRET):
        assert secret.decode() not in result.output, "a secret was shown"
    return result


def listed(*arguments: str) -> list[int]:
    shown = json.loads(run("list", "--json", *arguments).stdout)
    return [one["id"] for one in shown["rejects"]]


def test_they_are_listed_the_newest_first(log: EventLog) -> None:
    refuse(log, signature=None)
    refuse(log, b"{}", signature=sign(b"{}", SECRET), refusal=unusable("id", "is missing"))
    refuse(log, None, refusal=TOO_SLOW, not_kept=1234)
    result = run("list")
    assert result.exit_code == 0
    headings, slow, signed, unsigned, *rest = result.output.splitlines()
    assert re.split(r"\s{2,}", headings) == ["number", "time", "status", "code", "reason", "body", "request"]
    assert re.search("^3 .* 408 .*REQUEST_TIMEOUT .*not read", slow)
    assert re.search("^2 .* 422 .*The event's id is missing.* 2 bytes", signed)
    assert re.search("^1 .* 401 .*no signature header .*req_0123456789abcdef", unsigned)
    assert "1,234 more came too fast and were only counted" in "".join(rest)


def test_they_are_chosen(log: EventLog) -> None:
    old = refuse(log, at=datetime.now(UTC) - timedelta(days=2))
    signed = refuse(log, b"{}", refusal=unusable("id", "is missing"))
    slow = refuse(log, None, refusal=TOO_SLOW)
    assert listed() == [slow, signed, old]
    assert listed("--signed") == [signed]
    assert listed("--unsigned") == [slow, old]
    assert listed("--since", "1d") == [slow, signed]
    assert listed("--code", "422") == listed("--code", "validation_error") == [signed]
    assert listed("--limit", "1") == [slow]
    assert "There are more" in run("list", "--limit", "1").output
    assert run("list", "--signed", "--unsigned").exit_code == 2
    assert run("list", "--code", "40x").exit_code == 2


def test_json_tells_what_is_kept_and_what_was_only_counted(log: EventLog) -> None:
    refuse(log, not_kept=3)
    shown = json.loads(run("list", "--json").stdout)
    assert shown["kept"] == {
        "signed": {"requests": 0, "bytes": 0, "only_counted": 0},
        "unsigned": {"requests": 1, "bytes": len(BODY), "only_counted": 3},
    }
    assert shown["more"] is False
    (one,) = shown["rejects"]
    assert (one["status"], one["code"], one["signed"], one["bytes"], one["has_body"]) == (
        401,
        "UNAUTHORIZED",
        False,
        len(BODY),
        True,
    )


def test_an_empty_list_says_so(log: EventLog) -> None:
    assert "No request was refused" in run("list").output
    assert "No refused request matches" in run("list", "--signed").output
    assert "No request was refused" in run("explain", "--all").output
    assert "Nothing was refused" in run("admit", "--all").output


def test_one_is_shown_with_its_header_and_body(log: EventLog) -> None:
    number = refuse(log, signature="sha256=nonsense")
    output = run("show", str(number)).output
    assert "malformed signature header" in output
    assert "sha256=nonsense" in output
    assert '"id": "evt_1"' in output
    assert f"hooks rejects explain {number}" in output
    assert run("show", str(number), "--body").stdout_bytes == BODY
    shown = json.loads(run("show", str(number), "--json").stdout)
    assert (shown["signature"], shown["body"]) == ("sha256=nonsense", BODY.decode())
    assert run("show", str(number), "--json", "--body").exit_code == 2


def test_what_steers_a_terminal_is_shown_and_not_sent(log: EventLog) -> None:
    nasty = "\x1b[2J\x9b\r\u202e"
    number = refuse(log, f'{{"x": "{nasty}"}}'.encode(), signature=nasty)
    for arguments in (("show", str(number)), ("list",), ("explain", str(number)), ("admit", str(number))):
        output = run(*arguments).output
        assert not {"\x1b", "\x9b", "\r", "\u202e"} & set(output), arguments


def test_a_body_that_is_no_text_or_was_not_kept_is_shown(log: EventLog) -> None:
    binary, gone = refuse(log, b"\xff\x00"), refuse(log, None, refusal=TOO_SLOW)
    shown = json.loads(run("show", str(binary), "--json").stdout)
    assert base64.b64decode(shown["body_base64"]) == b"\xff\x00"
    assert "Its body was not kept" in run("show", str(gone)).output
    assert run("show", str(gone), "--body").exit_code == 1


@pytest.mark.parametrize("command", ["show", "explain", "admit"])
def test_an_unknown_number_fails_with_a_hint(log: EventLog, command: str) -> None:
    refuse(log)
    result = run(command, "99")
    assert result.exit_code == 1
    assert "no refused request 99" in result.output
    assert "hooks rejects list" in result.output


@pytest.mark.parametrize("command", ["explain", "admit"])
def test_numbers_or_all_must_be_said_and_not_both(log: EventLog, command: str) -> None:
    assert run(command).exit_code == 2
    assert run(command, "1", "--all").exit_code == 2
    assert run(command, "0").exit_code == 2
    assert run(command, "x").exit_code == 2


def test_the_cause_is_explained_with_what_to_do(log: EventLog) -> None:
    raw = bytes.fromhex(sign(BODY, SECRET).removeprefix("sha256="))
    number = refuse(log, signature=base64.b64encode(raw).decode())
    output = run("explain", str(number)).output
    assert "base64 instead of hex" in output
    assert "-> have the sender write the header as sha256=<hex>" in output
    (shown,) = json.loads(run("explain", str(number), "--json").stdout)["rejects"]
    assert (shown["id"], shown["causes"], shown["admissible"]) == (number, ["base64"], False)


def test_all_are_explained_in_groups(log: EventLog) -> None:
    for _ in range(3):
        refuse(log)
    for _ in range(2):
        refuse(log, signature=sign(BODY, SECRET))
    output = run("explain", "--all").output
    first, second = output.index("3 x 401  (1, 2, 3)"), output.index("2 x 401  (4, 5)")
    assert first < second
    assert "hooks rejects admit --all" in output
    assert len(json.loads(run("explain", "--all", "--json").stdout)["rejects"]) == 5


def test_another_secret_is_tried_from_a_file_or_standard_input(log: EventLog, tmp_path: Path) -> None:
    number = str(refuse(log, signature=sign(BODY, OLD_SECRET)))
    assert "No secret known here fits" in run("explain", number).output
    file = tmp_path / "old.txt"
    file.write_bytes(OLD_SECRET + b"\n")
    output = run("explain", number, "--secret-file", str(file)).output
    assert f"the secret in {file}, which the receiver does not take" in output
    output = run("explain", number, "--secret-file", "-", stdin=b"first " + OLD_SECRET).output
    assert "secret 2 in standard input" in output
    assert run("explain", number, "--secret-file", str(tmp_path / "none")).exit_code == 2
    assert run("explain", number, "--secret-file", "-", stdin=b" \n").exit_code == 2


def test_the_secret_that_up_made_is_known_too(
    log: EventLog, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "webhook-secret").write_bytes(OLD_SECRET + b"\n")
    number = str(refuse(log, signature=sign(BODY, OLD_SECRET)))
    assert "the development secret in" in run("explain", number).output
    assert run("admit", number).exit_code == 1
    monkeypatch.delenv("CHAOZCODE_WEBHOOK_SECRET")
    assert "fits now" in run("explain", number).output
    assert run("admit", number).exit_code == 0


@pytest.mark.parametrize("command", ["explain", "admit"])
def test_without_any_secret_it_says_what_to_set(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("CHAOZCODE_WEBHOOK_SECRET")
    result = run(command, "--all")
    assert result.exit_code == 1
    assert "set CHAOZCODE_WEBHOOK_SECRET" in result.output


def test_those_that_verify_now_are_taken_in(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    number = str(refuse(log, signature=sign(BODY, OLD_SECRET)))
    stays = str(refuse(log))
    assert run("admit", number).exit_code == 1
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", f"{SECRET.decode()} {OLD_SECRET.decode()}")
    dry = run("admit", "--all", "--dry-run")
    assert f"{number}  would be taken in as evt_1 (memory.stored)" in dry.output
    assert read_detail(log, "evt_1") is None
    result = run("admit", "--all")
    assert result.exit_code == 0, "only those that were named must not be refused again"
    assert f"{number}  accepted as evt_1 (memory.stored)" in result.output
    assert f"{stays}  still refused: its signature does not fit" in result.output
    assert "1 accepted, 1 still refused" in result.output
    assert "the clock sends these events' jobs" in result.output, "Redis is away, and it was not told"
    assert read_detail(log, "evt_1")
    assert listed() == [int(stays)]
    assert run("admit", stays).exit_code == 1


def test_a_duplicate_is_told_and_done(log: EventLog) -> None:
    numbers = [str(refuse(log, signature=sign(BODY, SECRET))) for _ in range(2)]
    result = run("admit", *numbers, "--json")
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert [one["verdict"] for one in shown["rejects"]] == ["accepted", "duplicate"]
    assert [one["event_id"] for one in shown["rejects"]] == ["evt_1", "evt_1"]
    assert listed() == []


def test_a_job_is_sent_for_what_is_taken_in(
    log: EventLog, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    number = str(refuse(log, signature=sign(BODY, SECRET)))
    result = run("admit", number)
    assert (result.exit_code, "the clock" in result.output) == (0, False)
    assert waiting_jobs(redis_url) == 1


def waiting_jobs(redis_url: str) -> int:
    queue = EventQueue.connect(redis_url)
    try:
        return queue.waiting_jobs()
    finally:
        queue.close()
