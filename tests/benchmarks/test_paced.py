import pytest

from benchmarks.load.dialect import chaozcode, request_bytes
from benchmarks.load.paced import send_paced
from benchmarks.load.payload import PayloadMaker
from tests.benchmarks.http_door import http_door


def requests(number: int) -> list[tuple[str, bytes]]:
    maker = PayloadMaker("run", size=300)
    made = [maker.make(each) for each in range(number)]
    return [(payload.id, request_bytes(payload, chaozcode)) for payload in made]


@pytest.mark.parametrize(("connections", "used"), [(1, 1), (4, 4), (64, 10)])
def test_each_event_is_sent_once_over_as_many_connections_as_asked_for(connections: int, used: int) -> None:
    sent = requests(10)
    with http_door() as door:
        seen = send_paced(door.server_port, sent, rate=500, connections=connections)
    assert seen.answered_ns.keys() == {event_id for event_id, _ in sent}
    assert (len(seen.milliseconds), seen.refused, door.connections) == (10, 0, used)


def test_events_are_sent_in_order_when_each_is_due() -> None:
    sent = requests(6)
    with http_door() as door:
        seen = send_paced(door.server_port, sent, rate=20, connections=4)
    assert sorted(seen.answered_ns, key=seen.answered_ns.__getitem__) == [event_id for event_id, _ in sent]
    took = max(seen.answered_ns.values()) - min(seen.answered_ns.values())
    assert took > 0.8 * 5 / 20 * 1e9
