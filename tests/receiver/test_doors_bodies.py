"""What both doors make of bodies: their size, their framing, and that every byte is kept."""

import http.client
import json
import subprocess
from pathlib import Path

import pytest

from receiver.signature import sign
from tests.receiver.running_door import (
    LIMIT,
    PATH,
    SECONDS,
    SECRET,
    RunningDoor,
    an_event,
    an_event_of,
    raw_request,
    read_all,
)

ODD_BODIES = {
    "odd_spacing": b' {\t"id" :"evt_odd_spacing",\r\n"type":  "memory.stored"  }',
    "key_order": b'{"data":{"b":1,"a":2},"type":"memory.stored","id":"evt_key_order"}',
    "escapes": rb'{"id":"evt_\u0065scapes","type":"memory.stored","data":"\u00e9\/\ud83d\ude00"}',
    "raw_utf8": '{"id":"evt_raw_utf8","type":"memory.stored","data":"é😀\u2028"}'.encode(),
    "duplicate_keys": b'{"id":"x","id":"evt_duplicate_keys","type":"memory.stored","data":1,"data":2}',
    "huge_integer": b'{"id":"evt_huge_integer","type":"memory.stored","data":' + b"9" * 10_000 + b"}",
    "huge_float": b'{"id":"evt_huge_float","type":"memory.stored","data":1e999}',
    "newlines": b'{"id":"evt_newlines","type":"memory.stored"}\r\n\n',
    "bad_utf8": b'{"id":"evt_bad_utf8","type":"memory.stored","data":"\xff\xfe"}',
    "cut_emoji": rb'{"id":"evt_cut_emoji","type":"memory.stored","data":"\ud83d"}',
    "year_one": b'{"id":"evt_year_one","type":"memory.stored","createdAt":"0001-01-01T00:00:00Z"}',
}


@pytest.mark.parametrize("name", ODD_BODIES)
@pytest.mark.parametrize("chunk", [None, 7])
def test_odd_bodies_are_stored_byte_for_byte(door: RunningDoor, name: str, chunk: int | None) -> None:
    assert door.post(ODD_BODIES[name], chunk=chunk).status in (202, 200)
    stored = door.stored(f"evt_{name}")
    assert stored.body == ODD_BODIES[name]
    assert len(stored.bodies) == 1


@pytest.mark.parametrize("chunk", [None, 1000, LIMIT])
def test_a_body_of_just_the_limit_is_accepted(door: RunningDoor, chunk: int | None) -> None:
    body = an_event_of(LIMIT, f"evt_limit_{chunk}")
    assert door.post(body, chunk=chunk).status == 202
    assert door.stored(f"evt_limit_{chunk}").body == body


@pytest.mark.parametrize("chunk", [None, 1000, LIMIT, LIMIT + 1])
@pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT, 3_000_000])
def test_a_body_over_the_limit_is_refused_whole_with_413(
    door: RunningDoor, size: int, chunk: int | None
) -> None:
    # A body that was cut to the limit would be 401 here: its signature is that of the whole.
    reply = door.post(an_event_of(size, "evt_too_large"), chunk=chunk)
    assert (reply.status, reply.error["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert str(LIMIT) in reply.error["message"]
    assert reply.headers["x-request-id"] == reply.error["requestId"]
    assert "status=413" in door.logged(reply.error["requestId"])


def test_an_event_that_a_longer_body_begins_with_is_not_accepted(door: RunningDoor) -> None:
    event = an_event("evt_cut") + b" " * (LIMIT - len(an_event("evt_cut")))
    headers = {"X-ChaozCode-Signature": sign(event, SECRET)}
    assert door.request("POST", PATH, iter([event, b" "]), headers).status == 413
    assert door.request("POST", PATH, iter([event]), headers).status == 202


def test_a_length_far_over_the_limit_is_refused_before_the_body_comes(door: RunningDoor) -> None:
    with door.connect() as connection:
        connection.sendall(raw_request(b"", headers={"Content-Length": "10000000000"}))
        assert b" 413 " in connection.recv(1000).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "framing",
    [
        {"Content-Length": "abc"},
        {"Content-Length": "-1"},
        {"Content-Length": "9" * 5000},
        {"Content-Length": "0" * 5000 + "5"},
        {"Content-Length": "1, 2"},
        {"Content-Length": "", "Transfer-Encoding": "gzip"},
    ],
)
def test_a_body_whose_length_is_nonsense_is_refused(door: RunningDoor, framing: dict[str, str]) -> None:
    with door.connect() as connection:
        connection.sendall(raw_request(an_event("evt_nonsense"), headers={"Connection": "close", **framing}))
        status = int(read_all(connection).split(maxsplit=2)[1])
    assert status in (400, 401, 413)


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n"]
)
def test_broken_chunks_are_refused(door: RunningDoor, chunks: bytes) -> None:
    framing = {"Content-Length": "", "Transfer-Encoding": "chunked", "Connection": "close"}
    with door.connect() as connection:
        connection.sendall(raw_request(b"hello", headers=framing).removesuffix(b"hello") + chunks)
        status = int(read_all(connection).split(maxsplit=2)[1])
    assert status in (400, 401)


def test_a_length_shorter_than_the_body_is_a_body_of_that_length(door: RunningDoor) -> None:
    body = an_event("evt_short")
    with door.connect() as connection:
        headers = {"Content-Length": str(len(body) - 1), "Connection": "close"}
        connection.sendall(raw_request(body, headers=headers))
        assert b" 401 " in read_all(connection).partition(b"\r\n")[0]


@pytest.mark.parametrize("framing", [{}, {"Content-Length": "", "Transfer-Encoding": "chunked"}])
def test_a_client_that_goes_away_within_its_body_changes_nothing(
    door: RunningDoor, framing: dict[str, str]
) -> None:
    body = an_event("evt_gone")
    for part in (1, 10, len(body)):
        with door.connect() as connection:
            connection.sendall(raw_request(body, headers=framing)[:-part])
    assert door.post(an_event("evt_after_gone")).status in (200, 202)
    assert door.post(body).status in (200, 202)
    assert door.stored("evt_gone").body == body


def test_a_client_that_goes_away_before_the_answer_may_send_its_event_again(door: RunningDoor) -> None:
    with door.connect() as connection:
        connection.sendall(raw_request(an_event("evt_impatient")))
    assert door.post(an_event("evt_impatient")).status in (200, 202)
    assert door.post(an_event("evt_impatient")).status == 200


def test_requests_on_one_connection_are_answered_one_by_one(door: RunningDoor) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=SECONDS)
    bodies = [an_event("evt_kept"), b"no JSON", an_event("evt_kept"), b"", an_event("evt_kept_2")]
    statuses = []
    for body in bodies:
        connection.request("POST", PATH, body, {"X-ChaozCode-Signature": sign(body, SECRET)})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    assert statuses == [202, 400, 200, 400, 202]


def test_a_request_signed_by_openssl_and_sent_by_curl_is_accepted(door: RunningDoor, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(b'{ "id":"evt_openssl",  "type":"memory.stored", "data": {"n":1.0} }\n')
    openssl = ["openssl", "dgst", "-sha256", "-hmac", SECRET.decode(), str(body)]
    digest = subprocess.run(openssl, capture_output=True, check=True, text=True).stdout.split()[-1]
    curl = ["curl", "-sS", "-w", "\n%{http_code}", door.url, "--data-binary", f"@{body}"]
    curl += ["-H", f"X-ChaozCode-Signature: sha256={digest}", "-H", "Content-Type: application/json"]
    said, _, status = subprocess.run(curl, capture_output=True, check=True, text=True).stdout.rpartition("\n")
    assert (status, json.loads(said)) == ("202", {"status": "accepted", "id": "evt_openssl"})
    assert door.stored("evt_openssl").body == body.read_bytes()
