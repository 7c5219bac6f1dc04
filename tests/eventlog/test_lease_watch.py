from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from eventlog.clock_watch import ClockWatch
from eventlog.lease_watch import LeaseWatch

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ended(watch: LeaseWatch, at: float, *, until: float, clock: float | None = None) -> bool:
    """Look at one lease at a moment; by default the database's clock runs as the other."""
    now = after(at if clock is None else clock)
    return bool(look(watch, {"a": until}, at, now))


def look(
    watch: LeaseWatch, held: dict[str, float], at: float, now: datetime | None = None, jump: float = 0
) -> set[str]:
    ends = {lease: after(until) for lease, until in held.items()}
    told = watch.observe(ends, database_now=now or after(at), jump=timedelta(seconds=jump), monotonic=at)
    assert told.items() <= ends.items()
    return set(told)


def test_a_lease_that_stands_still_ends_when_its_time_is_over() -> None:
    watch = LeaseWatch(lease_seconds=30)
    look(watch, {}, 0)
    assert [at for at in range(1, 40) if ended(watch, at, until=30.5)] == list(range(31, 40))


def test_a_renewed_lease_goes_on() -> None:
    watch = LeaseWatch(lease_seconds=3)
    assert not any(ended(watch, at / 2, until=at // 2 + 3) for at in range(100))


def test_the_clock_set_forward_ends_nothing_that_is_renewed() -> None:
    watch = LeaseWatch(lease_seconds=3)
    assert not ended(watch, 0, until=3)
    assert not ended(watch, 1, until=3, clock=3601)
    assert not ended(watch, 2, until=3605, clock=3602)
    assert not ended(watch, 4, until=3605, clock=3604)
    assert ended(watch, 5, until=3605, clock=3605)


def test_the_clock_set_back_delays_no_end() -> None:
    watch = LeaseWatch(lease_seconds=3)
    look(watch, {}, -1)
    looks = [ended(watch, at, until=3, clock=at if at < 1 else at - 3600) for at in range(5)]
    assert looks == [False, False, False, True, True]


def test_a_sweeper_that_just_began_gives_every_lease_its_whole_time() -> None:
    watch = LeaseWatch(lease_seconds=3)
    assert [ended(watch, at, until=-1000) for at in range(5)] == [False, False, False, True, True]


def test_time_in_which_nobody_looked_does_not_count() -> None:
    watch = LeaseWatch(lease_seconds=30)
    for at in range(25):
        assert not ended(watch, at, until=30)
    assert [at for at in range(60, 100) if ended(watch, at, until=30)] == list(range(90, 100))


def test_a_worker_with_a_longer_lease_is_believed() -> None:
    watch = LeaseWatch(lease_seconds=3)
    look(watch, {}, -1)
    assert [at for at in range(70) if ended(watch, at, until=60)] == list(range(60, 70))


def test_an_end_beyond_all_leases_is_not_believed() -> None:
    watch = LeaseWatch(lease_seconds=30)
    until = 10 * 24 * 3600
    assert [at for at in range(0, 3700, 10) if ended(watch, at, until=until)] == list(range(3600, 3700, 10))


def test_an_ended_lease_is_told_until_its_rows_are_gone() -> None:
    watch = LeaseWatch(lease_seconds=2)
    look(watch, {"dead": 2, "fresh": 2}, 0)
    look(watch, {"dead": 2, "fresh": 2}, 1)
    assert look(watch, {"dead": 2, "fresh": 4}, 2) == {"dead"}
    assert look(watch, {"dead": 2, "fresh": 4}, 3) == {"dead"}
    assert look(watch, {"fresh": 4}, 3.5) == set()


def test_a_lease_written_just_before_the_clock_was_set_back_ends_in_time() -> None:
    watch = LeaseWatch(lease_seconds=3)
    look(watch, {}, 0)
    look(watch, {"a": 3.5}, 1, now=after(-3599), jump=-3600)
    assert [at for at in range(2, 8) if look(watch, {"a": 3.5}, at, now=after(at - 3600))] == [4, 5, 6, 7]


def test_a_jump_back_that_is_told_later_is_taken_off_too() -> None:
    watch = LeaseWatch(lease_seconds=3)
    look(watch, {}, 0)
    watch.observe({"a": after(3.5)}, database_now=after(-3599), jump=None, monotonic=1)
    assert not look(watch, {"a": 3.5}, 2, now=after(-3598), jump=-3600)
    assert [at for at in range(3, 8) if look(watch, {"a": 3.5}, at, now=after(at - 3600))] == [4, 5, 6, 7]


def test_a_lease_is_never_ended_on_slow_answers_alone() -> None:
    watch = LeaseWatch(lease_seconds=3)
    for at in range(60):
        assert not watch.observe({"a": after(60)}, database_now=after(at), jump=None, monotonic=at)
    assert watch.observe({"a": after(60)}, database_now=after(60), jump=None, monotonic=60)


def test_a_jump_back_takes_nothing_off_a_lease_seen_before_it() -> None:
    watch = LeaseWatch(lease_seconds=30)
    look(watch, {}, 0)
    look(watch, {"a": 30.5}, 1)
    look(watch, {"a": 30.5}, 2, now=after(-18), jump=-20)
    assert [at for at in range(3, 40) if look(watch, {"a": 30.5}, at, now=after(at - 20))] == list(
        range(31, 40)
    )


jumps = st.lists(st.tuples(st.integers(2, 200), st.integers(-7200, 7200)), max_size=6)


@settings(max_examples=200, deadline=None)
@given(
    jumps=jumps, lease=st.sampled_from([3, 9, 30]), dies_at=st.integers(0, 150), phase=st.floats(0.01, 0.99)
)
def test_however_the_clock_jumps_the_living_keep_their_leases_and_the_dead_lose_them(
    jumps: list[tuple[int, int]], lease: int, dies_at: int, phase: float
) -> None:
    """Tenths of a second are stepped through; a worker renews each third of its lease until it dies."""
    watch, clock_watch = LeaseWatch(lease_seconds=lease), ClockWatch()
    offset, until, renewed_at, freed_at = 0, after(lease), 0.0, None
    for tenth in range(2400):
        at = tenth / 10
        offset += sum(by for when, by in jumps if when * 10 == tenth)
        if at < dies_at and at - renewed_at >= lease / 3:
            renewed_at, until = at, after(at + offset + lease)
        if tenth % 10 == int(phase * 10):
            now = after(at + offset)
            jump = clock_watch.observe(now, asked=at, answered=at)
            if watch.observe({"a": until}, database_now=now, jump=jump, monotonic=at):
                freed_at = at
                break
    assert freed_at is not None
    assert freed_at - renewed_at >= lease - 0.05, "ended early"
    assert freed_at - renewed_at <= lease + 3.05, "ended late"
