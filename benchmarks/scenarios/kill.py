"""Kill: SIGKILL for the whole receiver in the middle of the load; whatever got its 2xx must be in the log."""

import hashlib
import random
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from sqlalchemy import select

from benchmarks.board import Board, Metric
from benchmarks.candidates.ours import KINDS, installation
from benchmarks.cores import ALL
from benchmarks.load.witness import Record, Witness
from benchmarks.program import Program, program
from benchmarks.site import Site
from benchmarks.store import CountsDiffer
from eventlog.database import EventLog
from eventlog.tables import bodies, events
from tests.servers.waiting import wait_until
from tests.system.up import free_port

_CONNECTIONS: Final = (1, 8, 32, 128, 256)
_KEPT_ALIVE: Final = (1.0, 0.5, 0.0)
_PATIENCE_SECONDS: Final = 60.0


def kill(site: Site, *, kills: int, seconds: float, seed: int) -> Board:
    """Load, kill, start again and compare, so many times on each database."""
    board = Board(
        scenario="kill",
        title="SIGKILL under load",
        metrics=(
            Metric(name="lost"),
            Metric(name="kills"),
            Metric(name="acknowledged", unit="events"),
            Metric(name="unanswered_at_a_kill", unit="requests"),
            Metric(name="of_them_in_the_log", unit="requests"),
        ),
        notes=[
            (
                f"seed {seed}; up to {seconds:g} s of load before each kill: bodies of 200 bytes to 100 KiB,"
                " 1 to 256 connections, kept alive and not, 1 or 2 receiver processes; a fifth of the"
                " requests repeats an event, some with another body"
            ),
            "lost: acknowledged, and not in the log with the digest and the bytes of its first body",
        ],
    )
    for name, kind in KINDS.items():
        found = _kill_often(site, name, kind, kills=kills, seconds=seconds, seed=f"{seed}-{kind}")
        board.add(name, kills=kills, **found)
    return board


def _kill_often(
    site: Site, name: str, kind: str, *, kills: int, seconds: float, seed: str
) -> dict[str, float]:
    chance = random.Random(seed)
    witness = Witness(seed)
    seen = witness.record
    port = free_port()
    unanswered = stored = 0
    with (
        installation(site, site.new_database(kind), PORT=str(port)) as (ours, log),
        program("receiver") as receiver,
    ):
        for number in range(kills):
            processes = chance.choice((1, 2))
            ours.start(receiver, "receiver", cores=ALL, processes=processes, settings=_processes(processes))
            connections, kept_alive = chance.choice(_CONNECTIONS), chance.choice(_KEPT_ALIVE)
            after = chance.uniform(0, seconds)
            before = len(seen.acknowledged)
            _load_and_kill(witness, receiver, port, connections, kept_alive, after)
            kept = read_digests(log)
            require_kept(seen, kept)
            there = kept.keys() & seen.unanswered.keys()
            unanswered, stored = unanswered + len(seen.unanswered), stored + len(there)
            print(
                f"kill {number + 1} of {kills}, {name}: {processes} processes, {connections} connections,"
                f" {kept_alive:.0%} kept alive, after {after:.2f} s: {len(seen.acknowledged) - before:,}"
                f" acknowledged, {len(seen.unanswered)} unanswered, {len(there)} of them in the log"
            )
        ours.start(receiver, "receiver", cores=ALL)
        witness.settle(port)
        if seen.acknowledged != seen.digests.keys():
            raise CountsDiffer(f"sent again, and not acknowledged: {len(seen.unanswered)} ({seed})")
        require_kept(seen, read_digests(log))
        require_bytes(log)
    return {
        "lost": 0,
        "acknowledged": len(seen.acknowledged),
        "unanswered_at_a_kill": unanswered,
        "of_them_in_the_log": stored,
    }


def _processes(number: int) -> dict[str, str]:
    return {"HOOKS_RECEIVER_PROCESSES": str(number)}


def _load_and_kill(
    witness: Witness, receiver: Program, port: int, connections: int, kept_alive: float, after: float
) -> None:
    sending = threading.Thread(
        target=partial(witness.send, port, connections=connections, kept_alive=kept_alive), daemon=True
    )
    before = len(witness.record.acknowledged)
    sending.start()
    wait_until(lambda: len(witness.record.acknowledged) > before, _PATIENCE_SECONDS)
    time.sleep(after)  # the moment is what is tried
    receiver.kill()
    witness.stop()
    sending.join(_PATIENCE_SECONDS)
    if sending.is_alive():
        raise CountsDiffer(f"a connection outlives the kill by {_PATIENCE_SECONDS:g} s")


def read_digests(log: EventLog) -> dict[str, bytes]:
    """Give the digest that stands in every event's row."""
    with log.read() as connection:
        return {
            row.id: row.body_sha256 for row in connection.execute(select(events.c.id, events.c.body_sha256))
        }


def require_kept(seen: Record, kept: Mapping[str, bytes]) -> None:
    """Raise `CountsDiffer` if the log lacks what was acknowledged, or holds what was never sent."""
    lost = [each for each in seen.acknowledged if kept.get(each) != seen.digests[each]]
    if lost:
        raise CountsDiffer(f"{len(lost)} were acknowledged and are not in the log as sent: {lost[:5]}")
    strange = kept.keys() - seen.digests.keys()
    if strange:
        raise CountsDiffer(f"{len(strange)} are in the log and were never sent: {sorted(strange)[:5]}")
    other = [each for each, digest in kept.items() if digest != seen.digests[each]]
    if other:
        raise CountsDiffer(f"{len(other)} are in the log with another body than was sent: {other[:5]}")


def require_bytes(log: EventLog) -> None:
    """Raise `CountsDiffer` unless every event has a body with the digest of its row."""
    first = (bodies.c.event_seq == events.c.seq) & (bodies.c.sha256 == events.c.body_sha256)
    query = select(events.c.id, events.c.body_sha256, bodies.c.body).outerjoin_from(events, bodies, first)
    with log.read() as connection:
        for row in connection.execution_options(yield_per=200).execute(query):
            if row.body is None or hashlib.sha256(row.body).digest() != row.body_sha256:
                raise CountsDiffer(f"the body of {row.id} is not the one that was acknowledged")
