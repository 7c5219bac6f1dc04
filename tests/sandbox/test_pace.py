import time
from itertools import islice

import pytest

from sandbox.pace import Sent, send_many, wait_seconds
from sandbox.sender import Reply


def sent(place: int) -> list[Sent]:
    return [Sent(event_id=str(place), reply=Reply(status=202, body=b"", seconds=0))]


def test_the_pace_is_kept_by_deadlines_that_do_not_drift() -> None:
    assert wait_seconds(0, rate=10, elapsed=0) == 0
    assert wait_seconds(10, rate=10, elapsed=0.25) == 0.75
    assert wait_seconds(10, rate=10, elapsed=3) == 0
    assert wait_seconds(10, rate=None, elapsed=0) == 0


def test_a_rate_is_kept_on_the_whole() -> None:
    begun = time.monotonic()
    assert len(list(send_many(21, sent, rate=100, threads=4, clock=time.monotonic))) == 21
    assert 0.19 < time.monotonic() - begun < 2


@pytest.mark.parametrize("threads", [1, 8])
def test_every_place_is_sent_once(threads: int) -> None:
    found = [
        int(one.event_id) for one in send_many(500, sent, rate=None, threads=threads, clock=time.monotonic)
    ]
    assert sorted(found) == list(range(500))
    if threads == 1:
        assert found == sorted(found)


def test_it_stops_when_closed() -> None:
    seen = []

    def send(place: int) -> list[Sent]:
        seen.append(place)
        return sent(place)

    sending = send_many(1000, send, rate=50, threads=2, clock=time.monotonic)
    assert len(list(islice(sending, 3))) == 3
    sending.close()
    number = len(seen)
    assert number < 20
    time.sleep(0.1)
    assert len(seen) == number


def test_a_mistake_in_sending_is_raised() -> None:
    def send(place: int) -> list[Sent]:
        if place == 3:
            raise ZeroDivisionError
        return sent(place)

    with pytest.raises(ZeroDivisionError):
        list(send_many(10, send, rate=None, threads=2, clock=time.monotonic))
