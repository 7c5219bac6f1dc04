"""The candidates that take requests."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from typing import Final

import psutil
import psycopg

from benchmarks.candidates.ours import installation
from benchmarks.candidates.places import NODE, environment, node_program, peer_program
from benchmarks.cores import REST
from benchmarks.load.dialect import SECRET, Dialect, chaozcode, github
from benchmarks.program import Program, program
from benchmarks.site import Site
from benchmarks.store import count_events, last_seq, require_bodies
from tests.system.up import free_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A candidate that takes requests now."""

    port: int
    rows: Callable[[], int] | None = None
    """Counts the events that it has stored, where it stores any."""
    check: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepting:
    """A candidate, and how to start it."""

    name: str
    opened: Callable[[Site], AbstractContextManager[Door]]
    is_durable: bool
    dialect: Dialect = chaozcode


@contextmanager
def open_ours(site: Site, url: str, *, with_worker: bool = False) -> Iterator[Door]:
    """Run our receiver on a database, which may hold events already."""
    port = free_port()
    with installation(site, url, PORT=str(port)) as (ours, log), ours.run("receiver"):
        before = last_seq(log)
        door = Door(
            port=port,
            rows=lambda: count_events(log, after=before),
            check=lambda: require_bodies(log, after=before),
        )
        with ours.run("worker", cores=(REST,)) if with_worker else nullcontext():
            yield door


@contextmanager
def _ours(site: Site, *, kind: str, with_worker: bool = False) -> Iterator[Door]:
    with open_ours(site, site.new_database(kind), with_worker=with_worker) as door:
        yield door


@contextmanager
def _floor(_site: Site) -> Iterator[Door]:
    port = free_port()
    command = ("--interface", "wsgi", "--blocking-threads", "64", "--backpressure", "512", "--http", "1")
    with program("floor") as it:
        it.start(
            *(peer_program("granian"), *command, "--no-ws", "--port", str(port), "--log-level", "warning"),
            "floor:served",
            environment=environment(),
        )
        it.wait_until_ready(lambda: _listens(it, port))
        yield Door(port=port)


@contextmanager
def _naive(site: Site, *, kind: str) -> Iterator[Door]:
    port = free_port()
    url = site.new_database(kind)
    site.valkey.flush()
    settings = environment(
        DATABASE_URL=url.replace("postgresql://", "postgresql+psycopg://"),
        REDIS_URL=site.valkey.url,
        WEBHOOK_SECRET=SECRET.decode(),
    )
    command = ("--worker-class", "gthread", "--workers", "1", "--threads", "32", "--log-level", "warning")
    with program("naive") as it:
        it.start(
            *(peer_program("gunicorn"), *command, "--bind", f"127.0.0.1:{port}", "naive:app"),
            environment=settings,
        )
        it.wait_until_ready(lambda: _answers(port))  # it listens before its tables are there
        yield Door(port=port, rows=lambda: _count_naive_rows(url))


def _count_naive_rows(url: str) -> int:
    query = "SELECT count(*) FROM webhook_events"
    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        try:
            return int(connection.execute(query).fetchone()[0])
        finally:
            connection.close()
    with psycopg.connect(url) as session:
        row = session.execute(query).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def _octokit(site: Site) -> Iterator[Door]:
    port = free_port()
    site.valkey.flush()
    settings = environment(
        REDIS_SOCKET=str(site.valkey.socket),
        WEBHOOK_SECRET=SECRET.decode(),
        PORT=str(port),
        NODE_ENV="production",
    )
    with program("octokit") as it:
        it.start(node_program(), NODE / "accept.js", environment=settings)
        it.wait_until_ready(lambda: _listens(it, port))

        def rows() -> int:
            with site.redis as redis:
                return int(redis.llen("bull:peer:wait"))

        yield Door(port=port, rows=rows)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _listens(it: Program, port: int) -> bool:
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for process in it.everyone()
        for connection in process.net_connections("tcp")
    )


ACCEPTING: Final = (
    Accepting(name="hooks, SQLite", opened=partial(_ours, kind="sqlite"), is_durable=True),
    Accepting(name="hooks, PostgreSQL", opened=partial(_ours, kind="postgresql"), is_durable=True),
    Accepting(
        name="hooks, SQLite, a worker writes too",
        opened=partial(_ours, kind="sqlite", with_worker=True),
        is_durable=True,
    ),
    Accepting(name="floor", opened=_floor, is_durable=False),
    Accepting(name="octokit + BullMQ", opened=_octokit, is_durable=False, dialect=github),
    Accepting(name="naive, SQLite", opened=partial(_naive, kind="sqlite"), is_durable=True),
    Accepting(name="naive, PostgreSQL", opened=partial(_naive, kind="postgresql"), is_durable=True),
)
