import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until


def test_an_append_only_valkey_keeps_its_data_over_a_kill() -> None:
    with Valkey(append_only=True) as server:
        server.client().set("key", "value")
        server.kill()
        assert not server.is_running()
        server.start()
        assert server.client().get("key") == b"value"


def test_a_valkey_without_append_only_forgets() -> None:
    with Valkey() as server:
        server.client().set("key", "value")
        server.restart()
        assert server.client().get("key") is None


def test_a_paused_valkey_hangs_until_it_is_resumed(valkey: Valkey, redis_url: str) -> None:
    with valkey.client(timeout_seconds=0.2) as client:
        assert client.ping()
        valkey.pause()
        with pytest.raises(RedisTimeoutError):
            client.ping()
        valkey.resume()
        assert client.ping()


def test_each_test_starts_with_an_empty_valkey(valkey: Valkey, redis_url: str) -> None:
    assert valkey.client().dbsize() == 0
    assert len(str(valkey.socket)) < 100
    assert redis_url == f"unix://{valkey.socket}"


def test_databases_are_isolated_and_commits_durable(postgres: PostgreSQL) -> None:
    one, other = postgres.fresh_database(), postgres.fresh_database()
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE things (id int)")
    with psycopg.connect(other) as connection:
        assert connection.execute("SELECT to_regclass('things')").fetchone() == (None,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    postgres.drop_database(one)
    postgres.drop_database(other)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(one)


def test_postgresql_keeps_committed_rows_over_a_kill(postgres: PostgreSQL, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE things (id int)")
        connection.execute("INSERT INTO things VALUES (7)")
    bystander = psycopg.connect(postgres_url)
    postgres.kill()
    postgres.start()
    with pytest.raises(psycopg.OperationalError):
        bystander.execute("SELECT 1")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT id FROM things").fetchall() == [(7,)]


def test_a_database_of_each_kind_can_be_asked_for(database_url: str) -> None:
    assert database_url.startswith(("sqlite:////", "postgresql://"))


@pytest.mark.parametrize("server", ["valkey.Valkey", "postgres.PostgreSQL"])
def test_no_server_outlives_a_killed_owner(server: str) -> None:
    module, _, name = server.partition(".")
    program = (
        f"from tests.servers.{module} import {name}; import time; server = {name}(); server.start();"
        "print(server._process.pid, server._process.folder, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert owner.stdout
    pid, folder = owner.stdout.readline().split()
    assert Path(folder, "pid").read_text() == pid
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: not Path(folder).exists())
    command_line = Path("/proc", pid, "cmdline")  # empty while nobody has collected the dead process
    assert not command_line.exists() or not command_line.read_bytes()


def test_waiting_returns_what_came_and_shows_what_did_not() -> None:
    seen = iter([0, 0, 3])
    assert wait_until(lambda: next(seen)) == 3
    with pytest.raises(AssertionError, match=r"list was still \[\] after 0.05 s"):
        wait_until(list, deadline_seconds=0.05)
