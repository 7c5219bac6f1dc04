"""How much a token bucket gives, by a clock of the test's own."""

from receiver.token_bucket import TokenBucket


def test_it_gives_its_brim_at_once_and_then_what_flows_in() -> None:
    now = [0.0]
    bucket = TokenBucket(brim=3, per_second=0.5, clock=lambda: now[0])

    def taken() -> int:
        count = 0
        while bucket.holds(1):
            bucket.take(1)
            count += 1
        return count

    assert taken() == 3
    now[0] += 1
    assert taken() == 0
    now[0] += 1
    assert taken() == 1
    now[0] += 1000
    assert taken() == 3
