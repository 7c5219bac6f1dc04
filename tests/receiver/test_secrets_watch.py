"""A changed secret is taken up without a restart, and what can't be used changes nothing."""

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from eventlog.rejects import RejectFilter, read_rejects
from receiver.reception import PROBE
from receiver.secret_settings import (
    SECRET_FILE_VARIABLE,
    SECRET_VARIABLE,
    SecretSettings,
    secret_files,
)
from receiver.secrets_watch import SecretsWatch
from tests.receiver.running_door import SECRET, an_event, running_door
from tests.servers.waiting import wait_until


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    monkeypatch.setenv(SECRET_FILE_VARIABLE, "home/webhook-secret")
    (tmp_path / ".env").write_text(f"{SECRET_VARIABLE}=the_first\n")
    return tmp_path / ".env"


def a_watch() -> SecretsWatch:
    watch = SecretsWatch(SecretSettings().keys, lambda: SecretSettings().keys, secret_files())
    watch.look()
    return watch


def test_a_change_counts_once_it_has_come_to_rest(env: Path) -> None:
    watch = a_watch()
    with capture_logs() as logs:
        env.write_text(f"{SECRET_VARIABLE}='the_second the_first'\n")
        watch.look()
        assert watch.keys() == (b"the_first",)
        watch.look()
        assert watch.keys() == (b"the_second", b"the_first")
        watch.look()
    assert [(line["event"], line["accepted"]) for line in logs] == [("secrets_changed", 2)]


def test_a_moment_without_content_changes_nothing(env: Path) -> None:
    (env.parent / "home").mkdir()
    (env.parent / "home" / "webhook-secret").write_text("of_development\n")
    watch = a_watch()
    env.write_text("")
    watch.look()
    env.write_text(f"{SECRET_VARIABLE}=the_second\n")
    watch.look()
    assert watch.keys() == (b"the_first",)
    watch.look()
    assert watch.keys() == (b"the_second",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no secret is set"),
        (b"CHAOZCODE_WEBHOOK_SECRET=\n", "no secret is set"),
        (b"CHAOZCODE_WEBHOOK_SECRET=short\n", "a secret must have at least 8 characters"),
        (b"CHAOZCODE_WEBHOOK_SECRET=\xff\xff\xff\xff\xff\xff\xff\xff\n", "not UTF-8"),
        (None, "no secret is set"),
    ],
)
def test_what_can_not_be_used_is_told_once_and_the_old_ones_stay(
    env: Path, content: bytes | None, reason: str
) -> None:
    watch = a_watch()
    with capture_logs() as logs:
        if content is None:
            env.unlink()
        else:
            env.write_bytes(content)
        for _ in range(4):
            watch.look()
    assert watch.keys() == (b"the_first",)
    assert [line["event"] for line in logs] == ["secrets_kept"]
    assert reason in logs[0]["reason"]
    assert "short" not in str(logs)
    env.write_text(f"{SECRET_VARIABLE}=the_second\n")
    watch.look()
    watch.look()
    assert watch.keys() == (b"the_second",)


def test_a_change_between_reading_and_watching_is_not_missed(env: Path) -> None:
    keys = SecretSettings().keys
    env.write_text(f"{SECRET_VARIABLE}=the_second\n")
    watch = SecretsWatch(keys, lambda: SecretSettings().keys, secret_files())
    watch.look()
    assert watch.keys() == (b"the_second",)


def test_secrets_that_were_accepted_once_are_still_kept_from_the_ring(env: Path) -> None:
    watch = a_watch()
    env.write_text(f"{SECRET_VARIABLE}=the_second\n")
    watch.look()
    watch.look()
    assert set(watch.all_keys()) == {b"the_first", b"the_second"}


@pytest.mark.parametrize("kind", ["flask", "rsgi"])
def test_all_processes_behind_both_doors_take_it_up(
    kind: str, sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "webhook-secret"
    file.write_text(SECRET.decode())
    new = b"whsec_of_next_year"
    variables = {SECRET_VARIABLE: "", SECRET_FILE_VARIABLE: str(file), "HOOKS_RECEIVER_PROCESSES": "2"}
    with running_door(kind, database_url=sqlite_url, redis_url=redis_url, **variables) as door:
        assert door.post(an_event("first")).status == 202
        assert door.post(PROBE, secret=new).status == 401
        file.write_text(f"{new.decode()} {SECRET.decode()}")

        def all_take(secret: bytes, status: int) -> bool:
            return all(door.post(PROBE, secret=secret).status == status for _ in range(12))

        wait_until(lambda: all_take(new, 422), 20)
        assert door.post(an_event("second"), secret=new).status == 202
        assert door.post(an_event("third")).status == 202
        file.write_text(new.decode())
        wait_until(lambda: all_take(SECRET, 401), 20)
        assert door.post(json.dumps({"leaks": SECRET.decode()}).encode(), secret=b"another").status == 401
        (reject,) = wait_until(lambda: read_rejects(door.event_log, RejectFilter()))
        assert not reject.has_body
        assert "held the secret" in reject.reason
        assert not [line for line in door.log_lines() if new.decode() in line or SECRET.decode() in line]
