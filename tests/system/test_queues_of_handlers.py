"""`hooks up` with a handler that has a queue of its own: the queue gets its workers by itself."""

from pathlib import Path

from tests.system.up import up

HANDLERS = """
from handlers import Context, Event, Router

router = Router()


@router.on("memory.*", queue="slow")
def slow(event: Event, ctx: Context) -> None: ...
"""


def test_it_starts_as_many_workers_for_it_as_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(HANDLERS)
    with up(tmp_path, HOOKS_HANDLERS="mine", HOOKS_QUEUE_WORKERS="slow=2") as it:
        it.start()
        it.wait_for("worker-slow  ", "queue slow", seconds=60)
        it.wait_for("worker-slow-2  ", "queue slow", seconds=60)
        it.hooks("trigger", "memory.stored", "--id", "evt_1")
        it.wait_for("handed on", "evt_1")
        it.wait_for("ran", "evt_1", "slow", "done")
        it.wait_for("settled", "evt_1", "done")
        examined = it.hooks("doctor")
        assert "each has a worker: hooks, slow" in examined
        assert "queue slow" in examined
        assert it.interrupt() == 0
        assert it.left_over() == []


def test_a_worker_is_not_started_for_what_can_be_no_queue(tmp_path: Path) -> None:
    with up(tmp_path) as it:
        it.hooks("worker", "--queue", "A b", code=2)
