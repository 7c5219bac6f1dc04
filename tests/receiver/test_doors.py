"""The contract of the receiver's HTTP interface, which both of its doors keep."""

import re
import threading
from collections import Counter

import pytest

from receiver.signature import sign
from tests.receiver.running_door import OLDER_SECRET, PATH, SECRET, Reply, RunningDoor, an_event


def assert_error(door: RunningDoor, reply: Reply, status: int, code: str) -> None:
    """Check ChaozCode's error shape, and that the request is found in the log by its id."""
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json"), reply
    assert set(reply.json) == {"error"}
    assert set(reply.error) == {"code", "message", "details", "requestId"}
    assert reply.error["code"] == code
    assert reply.error["message"].endswith((".", "why"))
    assert isinstance(reply.error["details"], dict)
    assert re.fullmatch("req_[0-9a-f]{16}", reply.error["requestId"])
    assert reply.headers["x-request-id"] == reply.error["requestId"]
    if status not in (404, 405):
        assert f"status={status}" in door.logged(reply.error["requestId"])


def test_a_new_event_is_answered_with_202_and_is_in_the_log(door: RunningDoor) -> None:
    body = an_event("evt_new", createdAt="2026-01-30T12:00:00Z", data={"memoryId": "m1"})
    reply = door.post(body)
    assert (reply.status, reply.json) == (202, {"status": "accepted", "id": "evt_new"})
    assert reply.headers["content-type"] == "application/json"
    stored = door.stored("evt_new")
    assert (stored.type, stored.subject, stored.seen, stored.body) == ("memory.stored", "m1", 1, body)
    assert "event_accepted" in door.logged(reply.headers["x-request-id"], "evt_new")


def test_a_known_event_is_answered_with_200_and_counted(door: RunningDoor) -> None:
    for status in (202, 200, 200):
        reply = door.post(an_event("evt_again"))
        assert reply.status == status
    assert reply.json == {"status": "duplicate", "id": "evt_again"}
    assert door.stored("evt_again").seen == 3
    assert "event_duplicate" in door.logged(reply.headers["x-request-id"], "evt_again")


def test_a_known_event_with_another_body_is_a_duplicate_too_and_its_body_is_kept(door: RunningDoor) -> None:
    first, other = an_event("evt_other", data=1), an_event("evt_other", data=2)
    assert [door.post(body).status for body in (first, other)] == [202, 200]
    stored = door.stored("evt_other")
    assert (stored.body, stored.seen, len(stored.bodies)) == (first, 2, 2)
    door.logged("event_duplicate", "evt_other", "differs")


def test_fifty_copies_at_once_are_accepted_once(door: RunningDoor) -> None:
    statuses: list[int] = []
    start = threading.Barrier(50)

    def send() -> None:
        start.wait()
        statuses.append(door.post(an_event("evt_fifty")).status)

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {202: 1, 200: 49}
    assert door.stored("evt_fifty").seen == 50


@pytest.mark.parametrize("secret", [SECRET, OLDER_SECRET])
@pytest.mark.parametrize("prefix", ["sha256=", ""])
def test_any_secret_and_both_forms_of_the_header_are_accepted(
    door: RunningDoor, secret: bytes, prefix: str
) -> None:
    body = an_event(f"evt_{prefix}_{len(secret)}")
    signature = prefix + sign(body, secret).removeprefix("sha256=")
    for name in ("X-ChaozCode-Signature", "x-chaozcode-signature"):
        assert door.request("POST", PATH, body, {name: signature}).status in (200, 202)


def test_every_unsigned_request_is_answered_with_the_same_401(door: RunningDoor) -> None:
    body = an_event("evt_unsigned")
    right = sign(body, SECRET)
    headers: list[dict[str, str]] = [
        {},
        {"X-ChaozCode-Signature": ""},
        {"X-ChaozCode-Signature": "nonsense"},
        {"X-ChaozCode-Signature": "sha256="},
        {"X-ChaozCode-Signature": right[:-1]},
        {"X-ChaozCode-Signature": right + "00"},
        {"X-ChaozCode-Signature": right.replace("sha256", "sha512")},
        {"X-ChaozCode-Signature": sign(body, b"another secret")},
        {"X-ChaozCode-Signature": sign(body + b" ", SECRET)},
        {"X-ChaozCode-Signature": "\xff" * 64},
        {"X-ChaozCode-Signature": f"{right},{right}"},
        {"X-Signature": right},
    ]
    replies = [door.request("POST", PATH, body, header) for header in headers]
    replies += [door.request("POST", PATH, b"no JSON"), door.request("POST", PATH, b"")]
    for reply in replies:
        assert_error(door, reply, 401, "UNAUTHORIZED")
        assert reply.error["details"] == {}
    assert len({reply.error["message"] for reply in replies}) == 1
    assert len({reply.error["requestId"] for reply in replies}) == len(replies)
    assert not any(SECRET.decode() in line or right[7:] in line for line in door.log_lines())


@pytest.mark.parametrize(
    "body", [b"", b"no JSON", b"[]", b"null", b'{"id": "a', b"[" * 60_000, b"\xff\xfe{}"]
)
def test_a_signed_body_that_is_no_json_object_is_answered_with_400(door: RunningDoor, body: bytes) -> None:
    assert_error(door, door.post(body), 400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"type": "memory.stored"}', "id"),
        (b'{"id": 17, "type": "memory.stored"}', "id"),
        (rb'{"id": "a\u0000", "type": "memory.stored"}', "id"),
        (rb'{"id": "\ud800", "type": "memory.stored"}', "id"),
        (b'{"id": "evt_1"}', "type"),
        (b'{"id": "evt_1", "type": ""}', "type"),
    ],
)
def test_an_event_without_a_usable_id_or_type_is_answered_with_422(
    door: RunningDoor, body: bytes, field: str
) -> None:
    reply = door.post(body)
    assert_error(door, reply, 422, "VALIDATION_ERROR")
    assert reply.error["details"]["field"] == field
    assert reply.error["details"]["reason"] in reply.error["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        PATH + "/",
        PATH.upper(),
        "/webhooks",
        "//[",
        "//x/healthz",
        "/a%3Fb",
        "/%00",
        "/%ff",
        "/%2568ealthz",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_other_paths_are_answered_with_404(door: RunningDoor, path: str, method: str) -> None:
    reply = door.request(method, path, b"x" if method == "POST" else b"")
    assert_error(door, reply, 404, "NOT_FOUND")
    assert PATH in reply.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", PATH, "POST"),
        ("PUT", PATH, "POST"),
        ("PATCH", PATH, "POST"),
        ("DELETE", PATH, "POST"),
        ("BREW", PATH, "POST"),
        ("POST", "/healthz", "GET"),
        ("POST", "/readyz", "GET"),
    ],
)
def test_other_methods_are_answered_with_405_and_what_is_allowed(
    door: RunningDoor, method: str, path: str, allowed: str
) -> None:
    reply = door.request(method, path, b"body" if method in ("PUT", "POST") else b"")
    assert_error(door, reply, 405, "METHOD_NOT_ALLOWED")
    assert allowed in reply.headers["allow"].split(", ")
    assert reply.headers["allow"] in reply.error["message"]


def test_a_head_request_has_no_body(door: RunningDoor) -> None:
    assert (door.request("HEAD", "/healthz").status, door.request("HEAD", "/healthz").body) == (200, b"")
    assert (door.request("HEAD", PATH).status, door.request("HEAD", "/nothing").body) == (405, b"")


def test_a_query_makes_no_difference(door: RunningDoor) -> None:
    body = an_event("evt_query")
    reply = door.request("POST", f"{PATH}?a=%ff&b", body, {"X-ChaozCode-Signature": sign(body, SECRET)})
    assert reply.status == 202
    assert door.request("GET", "/healthz?verbose=1").status == 200


@pytest.mark.parametrize("host", ["bad host", "[::1", "a/b", "x" * 300])
def test_an_odd_host_header_never_makes_it_fail(door: RunningDoor, host: str) -> None:
    body = an_event("evt_host")
    headers = {"X-ChaozCode-Signature": sign(body, SECRET), "Host": host}
    assert door.request("POST", PATH, body, headers).status < 500
    assert door.request("GET", "/healthz", headers={"Host": host}).status < 500


@pytest.mark.usefixtures("redis_url")  # which other tests stop
def test_it_is_alive_and_ready(door: RunningDoor) -> None:
    alive, ready = door.request("GET", "/healthz"), door.request("GET", "/readyz")
    assert (alive.status, alive.json) == (200, {"status": "alive"})
    assert (ready.status, ready.json) == (200, {"status": "ready", "log": "ok", "queue": "ok"})
    for reply in (alive, ready):
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-request-id"].startswith("req_")
