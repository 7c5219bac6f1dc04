import asyncio

import pytest

from receiver.time_limit import TimeLimit

SECONDS = 10


def test_what_comes_in_time_is_given_and_nothing_is_left_behind() -> None:
    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        limit = TimeLimit(loop, SECONDS)
        futures = [loop.create_future() for _ in range(3)]
        waits = [limit.watch(future) for future in futures]
        for number, future in enumerate(futures):
            future.set_result(number)
        found = [await wait for wait in waits]
        limit._look()
        assert not limit._waits
        return found

    assert asyncio.run(run()) == [0, 1, 2]


def test_what_does_not_come_ends_at_its_limit_and_what_is_waited_for_later_goes_on() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        limit = TimeLimit(loop, 0.3)
        first = loop.create_future()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limit.watch(first), SECONDS)
        assert first.done(), "nobody is to set it any more"
        second = loop.create_future()
        loop.call_soon(second.set_result, 2)
        assert await limit.watch(second) == 2

    asyncio.run(run())


def test_one_that_came_just_before_another_was_given_up_is_kept() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        limit = TimeLimit(loop, 0)
        late, come = limit.watch(loop.create_future()), limit.watch(loop.create_future())
        come.set_result("here")
        limit._look()
        assert await come == "here"
        with pytest.raises(TimeoutError):
            await late

    asyncio.run(run())


def test_a_task_is_ended_where_it_waits_for_too_long() -> None:
    async def run() -> None:
        limit = TimeLimit(asyncio.get_running_loop(), 0)
        with pytest.raises(TimeoutError), limit.watch_task():
            await asyncio.wait_for(asyncio.Event().wait(), SECONDS)
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling(), "it goes on as if nothing had been"
        await asyncio.sleep(0)

    asyncio.run(run())


def test_a_task_can_be_ended_before_its_time_once() -> None:
    async def run() -> None:
        limit = TimeLimit(asyncio.get_running_loop(), SECONDS)
        watches = []

        async def wait() -> None:
            with limit.watch_task() as watch:
                watches.append(watch)
                await asyncio.Event().wait()

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        for _ in range(2):
            watches[0].end_now()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(task, SECONDS)
        watches[0].end_now()

    asyncio.run(run())


def test_a_task_that_was_in_time_is_left_alone() -> None:
    async def run() -> None:
        limit = TimeLimit(asyncio.get_running_loop(), 0)
        with limit.watch_task():
            pass
        limit._look()
        await asyncio.sleep(0)
        assert not limit._waits

    asyncio.run(run())


def test_a_task_that_others_cancel_is_told_of_that_and_not_of_a_limit() -> None:
    async def run() -> None:
        limit = TimeLimit(asyncio.get_running_loop(), SECONDS)

        async def wait() -> None:
            with limit.watch_task():
                await asyncio.Event().wait()

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
