import socket
import threading
import time

import pytest

from sandbox.sender import NoReply, Reply, Sender
from tests.sandbox.verifying_server import SECRET, verifying_server


def sender(url: str) -> Sender:
    return Sender(url, SECRET.encode(), clock=time.perf_counter)


def test_the_bytes_arrive_as_they_are_with_the_headers_of_chaozcode() -> None:
    body = '{"id": "evt_1",  "é":1e999}\r\n'.encode()
    with verifying_server() as server, sender(server.url) as sending:
        reply = sending.send(body)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (202, b'{"status": "accepted"}')
    assert 0 < reply.seconds < 10
    assert server.bodies == [body]
    headers = server.headers[0]
    assert headers["Content-Type"] == "application/json"
    assert "sandbox of chaozcode-hooks" in headers["User-Agent"]


def test_one_connection_is_kept() -> None:
    with verifying_server() as server, sender(server.url) as sending:
        for place in range(5):
            sending.send(b"%d" % place)
    assert len(server.bodies) == 5
    assert len(server.connections) == 1


def test_a_wrong_secret_is_refused() -> None:
    with verifying_server() as server, Sender(server.url, b"wrong", clock=time.perf_counter) as sending:
        reply = sending.send(b"{}")
    assert isinstance(reply, Reply)
    assert reply.status == 401


def test_where_nothing_listens_the_answer_says_so() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with sender(f"http://127.0.0.1:{reserved.getsockname()[1]}/") as sending:
            reply = sending.send(b"{}")
    assert isinstance(reply, NoReply)
    assert reply.is_refused
    assert "refused" in reply.reason


def test_a_connection_closed_without_an_answer_is_no_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def hang_up() -> None:
            listening.accept()[0].close()

        closing = threading.Thread(target=hang_up)
        closing.start()
        with sender(f"http://127.0.0.1:{listening.getsockname()[1]}/") as sending:
            reply = sending.send(b"{}")
        closing.join()
    assert isinstance(reply, NoReply)
    assert not reply.is_refused
    assert reply.reason


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with verifying_server() as server, sender(server.url) as sending:
        assert isinstance(sending.send(b"{}"), Reply)
