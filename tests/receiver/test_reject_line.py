"""The bounded line of refused requests, and what unsigned ones are allowed."""

from receiver.reject_line import BURST, BURST_BYTES, PER_SECOND, Allowance, RejectLine
from tests.receiver.rejecting import a_rejection


def names(line: RejectLine) -> list[str]:
    return [waiting.rejection.request_id for waiting in line.take(requests=10_000, bytes_=10**9)]


def test_the_oldest_give_way_and_are_counted_at_the_next() -> None:
    line = RejectLine(requests=2, bytes_=1000)
    for name in "abcd":
        line.add(a_rejection(name))
    batch = line.take(requests=10, bytes_=1000)
    assert [(waiting.rejection.request_id, waiting.not_kept) for waiting in batch] == [("c", 1), ("d", 1)]
    assert line.lost == 2


def test_it_is_bounded_in_bytes() -> None:
    line = RejectLine(requests=100, bytes_=10)
    line.add(a_rejection("a", body=b"x" * 6))
    line.add(a_rejection("b", body=b"x" * 4))
    line.add(a_rejection("c", body=b"x"))
    assert not line.add(a_rejection("giant", body=b"x" * 11))
    assert names(line) == ["b", "c"]
    assert line.lost == 2


def test_a_line_of_none_lets_none_in() -> None:
    line = RejectLine(requests=0, bytes_=1000)
    assert not line.add(a_rejection())
    assert (len(line), line.lost) == (0, 1)


def test_it_is_taken_in_parts() -> None:
    line = RejectLine(requests=100, bytes_=10_000)
    for name in "abcde":
        line.add(a_rejection(name, body=b"x" * 10))

    def taken(requests: int, size: int) -> list[str]:
        return [one.rejection.request_id for one in line.take(requests=requests, bytes_=size)]

    assert taken(2, 1000) == ["a", "b"]
    assert taken(9, 15) == ["c", "d"]
    assert taken(9, 1) == ["e"]
    assert taken(9, 1) == []


def test_what_is_put_back_keeps_its_place_and_gives_way_to_what_came_meanwhile() -> None:
    line = RejectLine(requests=3, bytes_=1000)
    for name in "abc":
        line.add(a_rejection(name))
    batch = line.take(requests=2, bytes_=1000)
    line.add(a_rejection("d"))
    line.put_back(batch)
    assert line.lost == 1
    assert names(line) == ["b", "c", "d"]


def test_unsigned_ones_have_a_burst_and_then_a_trickle() -> None:
    now = [0.0]
    line = RejectLine(requests=10_000, bytes_=10**9, allowance=Allowance(lambda: now[0]))
    assert sum(line.add(a_rejection()) for _ in range(20_000)) == BURST
    now[0] += 10
    assert sum(line.add(a_rejection()) for _ in range(20_000)) == 10 * PER_SECOND
    assert line.lost == 40_000 - BURST - 10 * PER_SECOND
    carried = sum(waiting.not_kept for waiting in line.take(requests=10_000, bytes_=10**9))
    assert carried == 20_000 - BURST  # the rest is told by the next one let in


def test_large_unsigned_ones_are_held_to_their_bytes() -> None:
    now = [0.0]
    allowance = Allowance(lambda: now[0])
    quarter = a_rejection(body=b"x" * (BURST_BYTES // 4))
    assert [allowance.grants(quarter) for _ in range(6)] == [True] * 4 + [False] * 2
    assert allowance.grants(a_rejection(body=b"")), "a small one needs none of the bytes"


def test_one_larger_than_the_allowance_is_not_shut_out_for_good() -> None:
    allowance = Allowance(lambda: 0.0)
    giant = a_rejection(body=b"x" * (BURST_BYTES + 1))
    assert allowance.grants(giant)
    assert not allowance.grants(giant)
