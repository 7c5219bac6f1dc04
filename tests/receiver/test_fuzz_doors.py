"""Any request to either door is answered, never with a 5xx: method, path, headers, framing, body made up."""

import json
import re
import string
from typing import Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from receiver.signature import sign
from tests.receiver.running_door import PATH, SECRET, RunningDoor, an_event, read_all

BOUNDED: Final = settings(
    max_examples=60, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
TOKEN: Final = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
VISIBLE: Final = "".join(chr(code) for code in range(33, 127))

METHODS: Final = st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS", "CONNECT", "TRACE", "post", "PRI"])
TARGETS: Final = st.sampled_from(
    [
        PATH,
        "/healthz",
        "*",
        "http://localhost" + PATH,
        "//",
        PATH + "?",
        "/%",
        "/" + "x" * 5000,
        "localhost:80",
    ]
) | st.text(VISIBLE, max_size=30).map(lambda text: "/" + text)
VERSIONS: Final = st.sampled_from(["HTTP/1.1"] * 5 + ["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "http/1.1", ""])
HEADERS: Final = st.lists(
    st.tuples(
        st.text(TOKEN, min_size=1, max_size=12)
        | st.sampled_from(
            [
                "Content-Length",
                "Transfer-Encoding",
                "X-ChaozCode-Signature",
                "Host",
                "Expect",
                "Upgrade",
                "TE",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
        | st.sampled_from(["chunked", "gzip, chunked", "0", "5", "+5", "0x5", "1_0", "100-continue", "h2c"]),
    ),
    max_size=6,
)


@BOUNDED
@given(method=METHODS, target=TARGETS, version=VERSIONS, headers=HEADERS, body=st.binary(max_size=60))
@example("POST", PATH, "HTTP/1.1", [("Content-Length", "5"), ("Content-Length", "6")], b"123456")
@example("POST", PATH, "HTTP/1.1", [("Content-Length", "5"), ("Transfer-Encoding", "chunked")], b"0\r\n\r\n")
def test_any_request_is_answered_without_a_5xx(
    door: RunningDoor, method: str, target: str, version: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    lines = [f"{method} {target} {version}", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    send_and_check(door, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


@BOUNDED
@given(junk=st.binary(min_size=1, max_size=300))
@example(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
@example(bytes.fromhex("16030100c8010000c40303") + b"x" * 190)
@example(b"GET /healthz\r\n")
@example(b"\r\n" * 1000)
def test_any_bytes_at_all_are_answered_without_a_5xx(door: RunningDoor, junk: bytes) -> None:
    send_and_check(door, junk)


@BOUNDED
@given(
    event_id=st.text(max_size=10),
    event_type=st.text(max_size=10),
    data=st.none() | st.text(max_size=20) | st.floats() | st.integers(),
    damage=st.binary(max_size=2),
    at=st.integers(0, 40),
)
def test_any_signed_body_is_answered_without_a_5xx(
    door: RunningDoor, event_id: str, event_type: str, data: object, damage: bytes, at: int
) -> None:
    body = bytearray(json.dumps({"id": event_id, "type": event_type, "data": data}).encode())
    body[at : at + len(damage)] = damage
    reply = door.request("POST", PATH, bytes(body), {"X-ChaozCode-Signature": sign(bytes(body), SECRET)})
    assert reply.status in (200, 202, 400, 422), reply


def send_and_check(door: RunningDoor, request: bytes) -> None:
    """Send bytes and the end of the sending; expect the end of the connection, and no status from 500."""
    with door.connect() as connection:
        connection.sendall(request)
        connection.shutdown(1)
        answers = read_all(connection)
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answers)]
    # 501 and 505 are the words of werkzeug's server, before a door is asked, for what is not HTTP/1
    assert not [status for status in statuses if status >= 500 and status not in (501, 505)], answers


def test_it_goes_on_after_all_that(door: RunningDoor) -> None:
    assert door.post(an_event("evt_after_the_fuzz")).status in (200, 202)
