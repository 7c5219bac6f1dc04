import asyncio

import pytest

from receiver.time_limit import TimeLimit

SECONDS = 10


def test_what_comes_in_time_is_given_and_nothing_is_left_behind() -> None:
    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        limit = TimeLimit(loop, SECONDS)
        futures = [loop.create_future() for _ in range(3)]
        waits = [asyncio.create_task(limit.wait(future)) for future in futures]
        await asyncio.sleep(0)
        for number, future in enumerate(futures):
            future.set_result(number)
        found = await asyncio.gather(*waits)
        assert not limit._waiting
        return found

    assert asyncio.run(run()) == [0, 1, 2]


def test_what_does_not_come_ends_at_its_limit_and_what_is_waited_for_later_goes_on() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        limit = TimeLimit(loop, 0.3)
        first = loop.create_future()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limit.wait(first), SECONDS)
        assert first.done(), "nobody is to set it any more"
        second = loop.create_future()
        loop.call_soon(second.set_result, 2)
        assert await limit.wait(second) == 2

    asyncio.run(run())


def test_one_that_came_just_before_another_was_given_up_is_kept() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        limit = TimeLimit(loop, 0)
        late, come = loop.create_future(), loop.create_future()
        waits = [asyncio.create_task(limit.wait(future)) for future in (late, come)]
        await asyncio.sleep(0)
        come.set_result("here")
        limit._look()
        assert await waits[1] == "here"
        with pytest.raises(TimeoutError):
            await waits[0]

    asyncio.run(run())
