import pytest

from sandbox.post import Senders
from sandbox.sender import NoReply, Reply
from tests.sandbox.verifying_server import SECRET, verifying_server


def test_connections_are_kept_and_closed_and_secrets_kept_apart() -> None:
    with verifying_server() as server:
        senders = Senders()
        replies = [
            senders(server.url, secret, b"{}") for secret in (SECRET.encode(), b"wrong", SECRET.encode())
        ]
        senders.close()
    assert [reply.status for reply in replies if isinstance(reply, Reply)] == [202, 401, 200]
    assert len(server.connections) == 2


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://[", "http://" + "a" * 300 + "é.test/", "ftp://127.0.0.1/"]
)
def test_a_url_that_cannot_be_called_is_told_as_no_reply(url: str) -> None:
    reply = Senders()(url, b"secret", b"{}")
    assert isinstance(reply, NoReply)
    assert reply.reason
