import socket

import pytest

from sandbox.port import SandboxPortTaken, listen


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxPortTaken) as caught:
            listen("127.0.0.1", port)
    message = str(caught.value)
    assert f"127.0.0.1:{port}: Address already in use;" in message
    assert "HOOKS_SANDBOX_PORT" in message
    assert "--no-sandbox" in message
