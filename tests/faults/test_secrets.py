"""No secret leaves the process that needs it: a full run, then a search through all that it wrote."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.stage import Stage, stage
from tests.faults.stream import SECRET, exchange, post, signed
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until

OLD_SECRET = "whsec_old_4fd81b0c6e"
DATABASE_PASSWORD = "pgpass_7c21e09d"
REDIS_PASSWORD = "redispass_b81d44f2"
API_KEY = "ck_live_09aa71c3f5"
TOKEN = "chucky_token_5e5d1f"
SECRETS = (SECRET, OLD_SECRET, DATABASE_PASSWORD, REDIS_PASSWORD, API_KEY, TOKEN)
COMMANDS = (
    ["doctor"],
    ["doctor", "--json"],
    ["events", "show", "evt_good"],
    ["events", "export"],
    ["rejects", "list", "--json"],
    ["rejects", "explain", "--all"],
    ["replay", "evt_good"],
    ["db", "upgrade"],
)
RAISING = '''

@router.on("project.updated", retries=0)
def fail_beside_secrets(event: Event, ctx: Context) -> None:
    """Have secrets in its local variables when it fails."""
    settings = dict(os.environ)
    raise RuntimeError(f"failed with {len(settings)} settings at hand")


@router.on("agent.started", retries=0)
def crash(event: Event, ctx: Context) -> None:
    os._exit(3)
'''


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run everything once, through good and bad; gives all that it wrote, by where it stands."""
    folder = tmp_path_factory.mktemp("secrets")
    with PostgreSQL() as postgres, Valkey(append_only=True) as valkey:
        with valkey.client() as client:
            client.config_set("requirepass", REDIS_PASSWORD)
        bare = postgres.fresh_database()
        with stage(
            folder,
            database_url=bare,
            redis_url=valkey.url.replace("unix://", f"unix://:{REDIS_PASSWORD}@"),
            DATABASE_URL=bare.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@"),
            CHAOZCODE_WEBHOOK_SECRET=f"{SECRET} {OLD_SECRET}",
            CHAOZCODE_API_KEY=API_KEY,
            CHUCKY_TOKEN=TOKEN,
        ) as it:
            module = folder / "faulted_handlers.py"
            module.write_text(module.read_text() + RAISING)
            it.start()
            replies = _use(it, postgres, valkey)
            yield {
                **_outputs(it),
                **{f"reply {number}": reply for number, reply in enumerate(replies)},
                **{f"hooks {' '.join(command)}": _run(it, command) for command in COMMANDS},
                "hooks with a wrong database": _run(
                    it, ["doctor"], DATABASE_URL=f"postgresql://u:{DATABASE_PASSWORD}@localhost:x/db"
                ),
                "hooks with a database that is away": _run(
                    it, ["events", "list"], DATABASE_URL=f"postgresql://u:{DATABASE_PASSWORD}@localhost:1/db"
                ),
                "hooks with a Redis that is away": _run(
                    it, ["doctor"], REDIS_URL=f"redis://:{REDIS_PASSWORD}@localhost:1"
                ),
                "hooks with a wrong secret": _run(it, ["receiver"], CHAOZCODE_WEBHOOK_SECRET=SECRET[:5]),
                **_tables(bare),
                **{str(path): path.read_bytes().decode("latin-1") for path in valkey.data.rglob("*.aof")},
            }


def _use(it: Stage, postgres: PostgreSQL, valkey: Valkey) -> list[str]:
    port = it.ports[0]
    body, headers = signed({"id": "evt_good", "type": "memory.stored"})
    wrong = {**headers, "X-ChaozCode-Signature": "sha256=" + "0" * 64}
    bad, bad_headers = signed({"id": 7, "type": "memory.stored"})
    replies = [
        exchange(port, body, headers),
        exchange(port, body, headers),
        exchange(port, body, wrong),
        exchange(port, body, {}),
        exchange(port, body, {"X-ChaozCode-Signature": SECRET}),
        exchange(port, bad, bad_headers),
        exchange(port, b"x" * 300_000, headers),
    ]
    for event_id, event_type in (("evt_fail", "project.updated"), ("evt_crash", "agent.started")):
        assert post(port, {"id": event_id, "type": event_type}) == 202
    valkey.stop()
    assert post(port, {"id": "evt_without_redis", "type": "memory.stored"}) == 202
    valkey.start()
    postgres.stop()
    assert post(port, {"id": "evt_without_log", "type": "memory.stored"}) == 503
    postgres.start()
    wait_until(lambda: post(port, {"id": "evt_without_log", "type": "memory.stored"}) in (200, 202), 30)
    wait_until(
        lambda: it.settled("evt_fail") and it.settled("evt_good") and it.settled("evt_without_log"), 60
    )
    assert all(replies)
    return [str(reply) for reply in replies]


def _run(it: Stage, command: list[str], **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "console", *command],
        cwd=it.folder,
        env=it.environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout or done.stderr, command
    return done.stdout + done.stderr


def _outputs(it: Stage) -> dict[str, str]:
    for member in it.members:
        member.process.terminate()
    for member in it.members:
        member.process.wait(30)
    return {str(path): path.read_text() for path in it.folder.glob("*-*.*")}


def _tables(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            )
        ]
        assert {"events", "bodies", "deliveries", "failures", "rejects"} <= set(names)
        found = {}
        for name in names:
            rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()
            found[f"table {name}"] = "\n".join(
                " ".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row)
                for row in rows
            )
        return found


@pytest.mark.long
@pytest.mark.timeout(180)
def test_no_secret_is_written_anywhere(written: dict[str, str]) -> None:
    everything = "".join(written.values())
    # The search would find them: what must be there is found by the same means.
    for expected in ("evt_good", "failed with", "WorkerCrashed", "request_refused", "queue_unavailable"):
        assert expected in everything, expected
    found = [(place, secret) for place, text in written.items() for secret in SECRETS if secret in text]
    assert found == []
