import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Queue

import pytest

from eventlog.arrival import Receipt
from eventlog.errors import LogUnavailable
from eventlog.event import Event
from receiver.intake import Intake, IntakeFull
from tests.servers.waiting import wait_until

SECONDS = 10
"""More than anything here takes: a future that never resolves fails its test instead of hanging it."""


class SlowLog:
    """A log that shows each batch it is given, and answers when told to."""

    def __init__(self) -> None:
        self.batches: Queue[list[str]] = Queue()
        self._answers: Queue[Callable[[Sequence[Event]], Sequence[Receipt]]] = Queue()

    def record(self, batch: Sequence[Event]) -> Sequence[Receipt]:
        self.batches.put([event.id for event in batch])
        return self._answers.get(timeout=SECONDS)(batch)

    def next_batch(self) -> list[str]:
        return self.batches.get(timeout=SECONDS)

    def answer(self, receipts: Sequence[Receipt] | None = None) -> None:
        self._answers.put(lambda batch: receipts or [Receipt.NEW] * len(batch))

    def fail(self, error: Exception) -> None:
        def fail(batch: Sequence[Event]) -> Sequence[Receipt]:
            raise error

        self._answers.put(fail)


def an_event(event_id: str, *, size: int = 10) -> Event:
    return Event(id=event_id, type="memory.stored", received_at=datetime.now(UTC), body=b"x" * size)


def nobody(ids: Sequence[str]) -> None:
    """Take the ids of new events, and do nothing with them."""


def result(future: "Future[Receipt]") -> Receipt:
    return future.result(timeout=SECONDS)


@contextmanager
def running(
    record: Callable[[Sequence[Event]], Sequence[Receipt]],
    recorded: Callable[[Sequence[str]], None] = nobody,
    *,
    capacity_events: int = 1000,
    capacity_bytes: int = 1_000_000_000,
    longest_wait_seconds: float = 3600,
    between_commits: Callable[[], None] = lambda: None,
) -> Iterator[Intake]:
    intake = Intake(
        record,
        recorded,
        between_commits=between_commits,
        capacity_events=capacity_events,
        capacity_bytes=capacity_bytes,
        longest_wait_seconds=longest_wait_seconds,
    )
    intake.start()
    try:
        yield intake
    finally:
        intake.close()


@contextmanager
def busy(log: SlowLog, intake: Intake) -> Iterator[None]:
    """Keep the committer busy with one event, until the end of the block."""
    first = intake.submit(an_event("first"))
    assert log.next_batch() == ["first"]
    yield
    log.answer()
    assert result(first) is Receipt.NEW


def test_what_arrives_while_a_batch_is_written_is_the_next_batch() -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(20)]
            assert not any(future.done() for future in futures)
        assert log.next_batch() == [f"evt_{number}" for number in range(20)]
        assert not any(future.done() for future in futures)
        log.answer()
        assert [result(future) for future in futures] == [Receipt.NEW] * 20


def eight_together(log: SlowLog, intake: Intake) -> None:
    """Have so many written in one commit, which is still to be answered, that the next one waits."""
    with busy(log, intake):
        for number in range(8):
            intake.submit(an_event(f"first_{number}"))
    assert len(log.next_batch()) == 8


def test_under_load_the_next_commit_waits_until_all_who_were_there_have_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("receiver.intake._LINGER_SECONDS", 3600)
    log = SlowLog()
    with running(log.record) as intake:
        eight_together(log, intake)
        meanwhile = [an_event(f"meanwhile_{number}") for number in range(2)]
        again = [an_event(f"again_{number}") for number in range(8)]
        for event in meanwhile:
            intake.submit(event)
        log.answer()
        wait_until(lambda: intake._wake_at_events == 10)
        for event in again[:-1]:
            intake.submit(event)
        assert log.batches.empty()
        intake.submit(again[-1])
        assert log.next_batch() == [event.id for event in (*meanwhile, *again)]
        log.answer()


def test_under_load_the_next_commit_waits_for_a_moment_at_most() -> None:
    log = SlowLog()
    with running(log.record) as intake:
        eight_together(log, intake)
        log.answer()
        intake.submit(an_event("alone"))
        assert log.next_batch() == ["alone"]
        log.answer()


def test_under_load_a_batch_that_is_full_by_its_bytes_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("receiver.intake._LINGER_SECONDS", 3600)
    log = SlowLog()
    with running(log.record) as intake:
        eight_together(log, intake)
        log.answer()
        wait_until(lambda: intake._wake_at_events == 8)
        for number in range(4):
            intake.submit(an_event(f"large_{number}", size=1024 * 1024))
        assert log.next_batch() == [f"large_{number}" for number in range(4)]
        log.answer()


def test_a_batch_has_at_most_256_events() -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(300)]
        for expected in (256, 44):
            assert len(log.next_batch()) == expected
            log.answer()
        assert all(result(future) is Receipt.NEW for future in futures)


def test_a_batch_has_little_more_than_4_mib_of_bodies() -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}", size=1024 * 1024)) for number in range(10)]
        for expected in (4, 4, 2):
            assert len(log.next_batch()) == expected
            log.answer()
        assert all(result(future) is Receipt.NEW for future in futures)


def test_each_is_told_what_became_of_it_and_only_new_ones_are_passed_on() -> None:
    log = SlowLog()
    passed_on: Queue[Sequence[str]] = Queue()
    receipts = [Receipt.DUPLICATE, Receipt.NEW, Receipt.DIFFERS, Receipt.NOT_STORABLE, Receipt.NEW]
    with running(log.record, passed_on.put) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(5)]
        assert passed_on.get(timeout=SECONDS) == ["first"]
        log.next_batch()
        log.answer(receipts)
        assert [result(future) for future in futures] == receipts
        assert passed_on.get(timeout=SECONDS) == ["evt_1", "evt_4"]


def test_the_waiting_line_is_bounded_by_events() -> None:
    log = SlowLog()
    with running(log.record, capacity_events=3) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(3)]
            with pytest.raises(IntakeFull):
                intake.submit(an_event("one too many"))
        assert log.next_batch() == ["evt_0", "evt_1", "evt_2"]
        futures.append(intake.submit(an_event("once there is room")))
        log.answer()
        log.answer()
        assert [result(future) for future in futures] == [Receipt.NEW] * 4


def test_the_waiting_line_is_bounded_by_bytes() -> None:
    log = SlowLog()
    with running(log.record, capacity_bytes=100) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(name, size=50)) for name in ("evt_0", "evt_1")]
            with pytest.raises(IntakeFull):
                intake.submit(an_event("one byte too many", size=1))
        assert log.next_batch() == ["evt_0", "evt_1"]
        futures.append(intake.submit(an_event("once there is room", size=100)))
        log.answer()
        log.answer()
        assert [result(future) for future in futures] == [Receipt.NEW] * 3


def test_behind_a_commit_that_hangs_nobody_lines_up() -> None:
    log = SlowLog()
    with running(log.record, longest_wait_seconds=0.05) as intake:
        with busy(log, intake):
            wait_until(lambda: refused(intake))
        assert log.next_batch()[0].startswith("probe"), "what lined up before is written"
        log.answer()
        after = wait_until(lambda: submitted(intake))
        assert after is not None
        log.next_batch()
        log.answer()
        assert result(after) is Receipt.NEW


def refused(intake: Intake) -> bool:
    return submitted(intake) is None


def submitted(intake: Intake) -> "Future[Receipt] | None":
    try:
        return intake.submit(an_event("probe"))
    except IntakeFull as full:
        return None if "it would wait for" in str(full) else pytest.fail(str(full))


def test_a_log_that_is_unavailable_reaches_each_of_the_batch_and_the_next_batch_is_tried() -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(3)]
        log.fail(LogUnavailable("the disk is full"))
        for future in futures:
            with pytest.raises(LogUnavailable, match="the disk is full"):
                result(future)
        log.answer()
        assert result(intake.submit(an_event("evt_0"))) is Receipt.NEW


def test_each_is_told_of_a_failure_by_an_error_that_holds_nothing_of_the_others() -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(3)]
        log.fail(LogUnavailable("the disk is full"))
        errors = [future.exception(timeout=SECONDS) for future in futures]
        assert len({id(error) for error in errors}) == 3
        # A traceback would hold the frame that has the batch, with all bodies, until the collector comes.
        assert [error.__traceback__ for error in errors if error] == [None] * 3


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), KeyError(), MemoryError()])
def test_an_unexpected_error_is_told_as_unavailable_and_the_next_batch_is_tried(error: Exception) -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(3)]
        log.fail(error)
        for future in futures:
            with pytest.raises(LogUnavailable):
                result(future)
        log.answer()
        assert result(intake.submit(an_event("evt_0"))) is Receipt.NEW


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_log_that_answers_for_fewer_or_more_is_believed_for_none(count: int) -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(2)]
        receipts = [Receipt.NEW] * count
        log.fail(ValueError()) if not receipts else log.answer(receipts)
        for future in futures:
            with pytest.raises(LogUnavailable):
                result(future)
        log.answer()
        assert result(intake.submit(an_event("evt_0"))) is Receipt.NEW


def test_an_error_in_what_is_told_of_new_events_stops_nothing() -> None:
    told: Queue[Sequence[str]] = Queue()

    def fail(ids: Sequence[str]) -> None:
        told.put(ids)
        raise RuntimeError("the enqueuer is broken")

    with running(lambda batch: [Receipt.NEW] * len(batch), fail) as intake:
        for event_id in ("evt_0", "evt_1", "evt_2"):
            assert result(intake.submit(an_event(event_id))) is Receipt.NEW
            assert told.get(timeout=SECONDS) == [event_id]


def test_nobody_waits_for_what_is_done_between_commits() -> None:
    log, tidied, may_end = SlowLog(), Queue[None](), threading.Event()

    def fail(ids: Sequence[str]) -> None:
        raise RuntimeError("what is told of new events fails, and changes nothing of that")

    def tidy() -> None:
        tidied.put(None)
        assert may_end.wait(SECONDS)

    with running(log.record, fail, between_commits=tidy) as intake:
        future = intake.submit(an_event("evt_1"))
        log.answer()
        tidied.get(timeout=SECONDS)
        assert result(future) is Receipt.NEW
        may_end.set()


def test_what_nobody_waits_for_any_more_is_not_written() -> None:
    log = SlowLog()
    with running(log.record) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}", size=300)) for number in range(4)]
            assert futures[0].cancel()
            assert futures[2].cancel()
        assert log.next_batch() == ["evt_1", "evt_3"]
        assert not futures[1].cancel()  # being written: too late
        log.answer()
        assert result(futures[1]) is result(futures[3]) is Receipt.NEW
        for cancelled in (futures[0], futures[2]):
            with pytest.raises(CancelledError):
                result(cancelled)


def test_a_line_of_which_nobody_is_waited_for_writes_nothing_and_goes_on() -> None:
    log = SlowLog()
    with running(log.record, capacity_events=2) as intake:
        with busy(log, intake):
            for number in range(2):
                intake.submit(an_event(f"evt_{number}")).cancel()
        wait_until(lambda: not intake._line)
        later = intake.submit(an_event("later"))
        assert log.next_batch() == ["later"]
        log.answer()
        assert result(later) is Receipt.NEW


def test_closing_writes_what_is_in_the_line_and_takes_no_more() -> None:
    log = SlowLog()
    passed_on: Queue[Sequence[str]] = Queue()
    with running(log.record, passed_on.put) as intake:
        with busy(log, intake):
            futures = [intake.submit(an_event(f"evt_{number}")) for number in range(300)]
            closing = threading.Thread(target=intake.close)
            closing.start()
            wait_until(lambda: intake._closing)
            with pytest.raises(IntakeFull):
                intake.submit(an_event("too late"))
        log.answer()
        log.answer()
        closing.join(timeout=SECONDS)
        assert not closing.is_alive()
        assert all(future.done() and result(future) is Receipt.NEW for future in futures)
        assert [len(passed_on.get_nowait()) for _ in range(3)] == [1, 256, 44]


def test_closing_twice_or_before_the_start_is_no_error() -> None:
    intake = Intake(
        lambda batch: [],
        nobody,
        capacity_events=1,
        capacity_bytes=1,
        longest_wait_seconds=1,
        between_commits=lambda: None,
    )
    intake.close()
    intake.close()


def test_many_threads_each_get_their_own_receipt() -> None:
    def record(batch: Sequence[Event]) -> Sequence[Receipt]:
        return [Receipt.DUPLICATE if event.id.endswith("1") else Receipt.NEW for event in batch]

    answers: dict[str, Receipt] = {}

    def send(thread: int) -> None:
        for number in range(50):
            event_id = f"evt_{thread}_{number}"
            answers[event_id] = result(intake.submit(an_event(event_id)))

    with running(record) as intake:
        threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=SECONDS)
    assert len(answers) == 1000
    assert all((receipt is Receipt.DUPLICATE) == name.endswith("1") for name, receipt in answers.items())
