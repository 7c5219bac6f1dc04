import pytest

from benchmarks.watch import Look, Watch, course_of, judge

MIB = 1024 * 1024


def looks(backlogs: list[int], memory_mib: list[int]) -> list[Look]:
    return [
        Look(backlog=backlog, memory_bytes={"receiver": 10 * MIB, "worker": memory * MIB})
        for backlog, memory in zip(backlogs, memory_mib, strict=True)
    ]


def test_a_run_that_was_held_has_nothing_in_capitals() -> None:
    course = course_of(looks([900, 20, 30, 4000, 25, 10], [86, 90, 90, 91, 91, 92]))
    assert judge(course, asked=4000, rate=3990) == [
        "3,990 of 4,000 events a second were taken",
        "unfinished: 30 events in the first half, 25 in the second (medians), 4,000 at most",
        "MiB resident near the start, in the middle, at the end: receiver 10, 10, 10; worker 86, 91, 92",
    ]


def test_a_rate_that_was_not_held_is_said_first() -> None:
    course = course_of(looks([1, 1], [80, 80]))
    assert judge(course, asked=4000, rate=3000)[0] == (
        "THE RATE WAS NOT HELD: 3,000 of 4,000 events a second were taken"
    )


def test_a_backlog_that_grows_is_said() -> None:
    course = course_of(looks([100, 3000, 6000, 9000], [80] * 4))
    assert judge(course, asked=4000, rate=4000)[1].startswith("THE BACKLOG GREW: unfinished: 1,550 events")


def test_a_memory_that_grows_is_said_with_each_process() -> None:
    told = judge(course_of(looks([0] * 4, [80, 100, 120, 140])), asked=10, rate=10)
    assert told[2] == (
        "THE MEMORY GREW: MiB resident near the start, in the middle, at the end:"
        " receiver 10, 10, 10; worker 80, 120, 140"
    )


def test_one_look_is_a_course_and_none_is_not() -> None:
    assert course_of(looks([7], [80])).backlogs == (7, 7)
    with pytest.raises(ValueError, match="nothing was looked at"):
        course_of([])


def test_a_watch_looks_at_the_beginning_and_at_the_end() -> None:
    numbers = iter(range(10))
    watch = Watch(lambda: Look(backlog=next(numbers), memory_bytes={}), every_seconds=60)
    watch.start()
    assert [look.backlog for look in watch.stop()] == [0, 1]


def test_what_goes_wrong_in_a_watch_is_raised_at_its_end() -> None:
    def fail() -> Look:
        raise OSError("the log is away")

    watch = Watch(fail)
    watch.start()
    with pytest.raises(OSError, match="the log is away"):
        watch.stop()
