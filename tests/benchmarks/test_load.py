import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.load.dialect import SECRET, chaozcode, github, request_bytes
from benchmarks.load.payload import PayloadMaker, event_id
from benchmarks.load.request_file import RequestFile, write_requests
from benchmarks.load.wrk import LoadFailed, read_output, require_whole
from eventlog.event import Event
from receiver.admit import admit

LINE = (
    'BENCH {"sent":15,"exhausted":0,"answers":13,"refused":1,"broken":0,"seconds":2.0,'
    '"p50_ms":1.0,"p99_ms":2.0}'
)


@pytest.mark.parametrize("size", [200, 300, 102_400])
def test_a_payload_is_an_event_of_the_wanted_size(size: int) -> None:
    payload = PayloadMaker("run", size=size).make(7)
    assert len(payload.body) == size
    assert json.loads(payload.body)["id"] == payload.id == event_id("run", 7)


def test_ids_are_unique_and_the_same_again() -> None:
    ids = [event_id(prefix, number) for prefix in ("a", "b") for number in range(1000)]
    assert len(set(ids)) == 2000
    assert ids[:2] == [event_id("a", 0), event_id("a", 1)]


def test_subjects_are_ten_thousand_or_one_for_each_event() -> None:
    def subjects(maker: PayloadMaker) -> list[str]:
        return [json.loads(maker.make(number).body)["data"]["memoryId"] for number in (0, 1, 10_000)]

    first, second, again = subjects(PayloadMaker("run", size=200))
    assert first == again != second
    assert len(set(subjects(PayloadMaker("run", size=200, own_subjects=True)))) == 3


def test_a_size_that_no_event_has_is_refused() -> None:
    with pytest.raises(ValueError, match="not 100"):
        PayloadMaker("run", size=100)


def test_our_own_door_takes_the_request() -> None:
    payload = PayloadMaker("run", size=300).make(1)
    signature = chaozcode(payload).partition(": ")[2].strip()
    taken = admit(payload.body, signature, keys=[SECRET], now=datetime.now(UTC))
    assert isinstance(taken, Event)
    assert (taken.id, taken.type) == (payload.id, "memory.stored")


def test_a_request_is_whole_and_may_ask_for_the_end_of_its_connection() -> None:
    payload = PayloadMaker("run", size=300).make(1)
    head, _, body = request_bytes(payload, github, keep_alive=False).partition(b"\r\n\r\n")
    assert body == payload.body
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /webhooks/chaozcode HTTP/1.1"
    assert {"Content-Length: 300", "Connection: close", f"X-GitHub-Delivery: {payload.id}"} <= set(lines)


def test_a_file_holds_its_requests_and_tells_which_are_new(tmp_path: Path) -> None:
    made = write_requests(
        tmp_path / "r", PayloadMaker("run", size=300), chaozcode, number=400, duplicates=0.25
    )
    held = made.path.read_bytes()
    ids = []
    while held:
        length = int(held[:8])
        ids.append(json.loads(held[8 : 8 + length].partition(b"\r\n\r\n")[2])["id"])
        held = held[8 + length :]
    assert len(ids) == len(made.is_new) == 400
    for sent in (0, 1, 200, 400, 500):
        assert made.unique_among(sent) == len(set(ids[:sent]))
    assert 0.15 < 1 - sum(made.is_new) / 400 < 0.35


def test_wrk_tells_how_many_rows_there_must_be() -> None:
    found = read_output(f"Running 2s test\n{LINE}\n")
    file = RequestFile(path=Path("r"), is_new=(True, False) * 10)
    assert (found.accepted, found.rate) == (12, 6.0)
    assert found.rows_at_most(file) == 8
    assert found.rows_at_least(file) == 8 - 3


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (LINE.replace('"exhausted":0', '"exhausted":3'), "all 12 prepared requests were sent before the end"),
        (LINE.replace('"broken":0', '"broken":4'), "4 connections, reads or writes failed beside 13 answers"),
    ],
)
def test_load_that_ended_early_or_broke_is_no_figure(found: str, told: str) -> None:
    require_whole(read_output(LINE))
    with pytest.raises(LoadFailed, match=told):
        require_whole(read_output(found))


def test_load_may_break_where_the_table_shows_it() -> None:
    require_whole(read_output(LINE.replace('"broken":0', '"broken":4')), may_break=True)


def test_wrk_without_figures_is_no_figure() -> None:
    with pytest.raises(SystemExit, match="connection refused"):
        read_output("unable to connect: connection refused")
