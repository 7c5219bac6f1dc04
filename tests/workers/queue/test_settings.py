import tempfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from workers.queue.settings import QueueSettings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no .env
    for name in ("REDIS_URL", "HOOKS_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_the_embedded_server_is_at_a_socket_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_HOME", "/srv/hooks")
    assert QueueSettings().socket == Path("/srv/hooks/valkey.sock")
    assert QueueSettings().url == "unix:///srv/hooks/valkey.sock"


def test_the_home_folder_is_in_the_working_directory(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="h") as short, pytest.MonkeyPatch.context() as patch:
        patch.chdir(short)
        assert QueueSettings().socket == Path(short).resolve() / ".hooks" / "valkey.sock"


@pytest.mark.parametrize("name", ["x" * 200, "é" * 60, "deep/" * 40])
def test_where_the_path_is_too_long_for_a_socket_a_short_one_takes_its_place(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOOKS_HOME", f"/srv/{name}")
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    socket = QueueSettings().socket
    assert socket.parent.parent == Path("/tmp")
    assert len(str(socket).encode()) <= 100
    assert QueueSettings().socket == socket
    monkeypatch.setenv("HOOKS_HOME", f"/srv/{name}2")
    assert QueueSettings().socket != socket


def test_a_path_of_just_100_bytes_is_short_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for length, is_kept in ((100, True), (101, False)):
        home = "/" + "x" * (length - len("//valkey.sock"))
        monkeypatch.setenv("HOOKS_HOME", home)
        assert (QueueSettings().socket == Path(home, "valkey.sock")) is is_kept


@pytest.mark.parametrize("name", ["a space", "a=b", "100%", "a?b#c", "%41", "é"])
def test_where_the_path_has_characters_that_clients_trip_over_a_plain_one_takes_its_place(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOOKS_HOME", f"/srv/{name}")
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    assert QueueSettings().socket.parent.parent == Path("/tmp")


@pytest.mark.parametrize(
    "url",
    ["redis://host:6379/0", "rediss://host/1", "unix:///run/redis.sock", "redis://", "redis:///0",
     "redis://me:pass%40word@my_redis.internal.:6379", "redis://[::1]:6379", "redis://münchen.example",
     "redis://host?db=1"],
)  # fmt: skip
def test_a_given_server_is_used(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert QueueSettings().url == url


@pytest.mark.parametrize(
    "url",
    ["localhost:6379", "http://host", "rabbit://me:hunter2@host", "redis://:hunter2@redis..internal:6379",
     f"redis://{'x' * 64}.internal", "redis://me:hunter2@host:port", "redis://host:70000", "redis://[::1"],
)  # fmt: skip
def test_another_url_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ValidationError, match="redis://host:port/db") as refused:
        QueueSettings()
    assert "hunter2" not in str(refused.value)
