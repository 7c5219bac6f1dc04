"""What is refused at either door is kept for the operator, and its sender learns nothing of why."""

import http.client
import socket
from collections.abc import Mapping

import pytest

from eventlog.rejects import Reject, RejectFilter, read_rejects, read_with_bodies
from receiver.answer import CUT_OFF
from receiver.signature import sign
from tests.receiver.running_door import LIMIT, PATH, SECRET, Reply, RunningDoor, an_event, raw_request
from tests.servers.waiting import wait_until


def kept(door: RunningDoor, reply: Reply) -> tuple[Reject, bytes | None]:
    """Wait until the ring holds the request that was answered so."""

    def find() -> list[Reject]:
        found = read_rejects(door.event_log, RejectFilter())
        return [one for one in found if one.request_id == reply.headers["x-request-id"]]

    (found,) = next(read_with_bodies(door.event_log, wait_until(find, 20)))
    return found


def test_an_unsigned_request_is_kept_and_answered_alike_whatever_the_cause(door: RunningDoor) -> None:
    body = an_event("evt_refused")
    right = sign(body, SECRET)
    causes: dict[str, Mapping[str, str]] = {
        "no signature header": {},
        "malformed signature header": {"X-ChaozCode-Signature": right[:-1]},
        "signature does not fit": {"X-ChaozCode-Signature": sign(body, b"another secret")},
        "the signature header held the secret itself": {"X-ChaozCode-Signature": SECRET.decode()},
    }
    replies = {reason: door.request("POST", PATH, body, headers) for reason, headers in causes.items()}
    for reason, reply in replies.items():
        reject, kept_body = kept(door, reply)
        assert (reject.reason, reject.status, reject.is_signed, kept_body) == (reason, 401, False, body)
        assert SECRET.decode() not in f"{reject}"
    answers = {
        (
            reply.status,
            reply.error["message"],
            str(reply.error["details"]),
            len(reply.body),
            tuple(name for name in reply.headers if name != "date"),
        )
        for reply in replies.values()
    }
    assert len(answers) == 1


def test_a_signed_request_that_is_no_event_is_kept_as_signed(door: RunningDoor) -> None:
    for body, status in ((b'{"type": "x"}', 422), (b"[]", 400)):
        reject, kept_body = kept(door, door.post(body))
        assert (reject.status, reject.is_signed, kept_body) == (status, True, body)
        assert reject.signature == sign(body, SECRET)


def test_one_that_is_too_large_is_kept_without_its_body(door: RunningDoor) -> None:
    reject, body = kept(door, door.post(b"x" * (LIMIT + 1)))
    assert (reject.status, reject.code, reject.is_signed, body) == (413, "PAYLOAD_TOO_LARGE", False, None)


@pytest.mark.parametrize("missing", [1, LIMIT // 2])
def test_one_that_was_cut_off_is_answered_and_kept_without_its_body(door: RunningDoor, missing: int) -> None:
    body = an_event("evt_cut_off")
    with door.connect() as connection:
        connection.sendall(raw_request(body, headers={"Content-Length": str(len(body) + missing)}))
        connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        reply = Reply.in_(response)
    assert (reply.status, reply.error["message"]) == (400, CUT_OFF.message)
    reject, kept_body = kept(door, reply)
    assert (reject.reason, reject.is_signed, kept_body) == (CUT_OFF.message, False, None)
    door.logged("request_refused", reject.request_id)


def test_what_is_accepted_is_not_kept(door: RunningDoor) -> None:
    accepted = door.post(an_event("evt_fine"))
    later, _ = kept(door, door.post(b"[]"))
    assert later.reason
    found = read_rejects(door.event_log, RejectFilter())
    assert accepted.headers["x-request-id"] not in {one.request_id for one in found}
