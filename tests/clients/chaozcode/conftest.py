import pytest

from .one_reply import OneReply


@pytest.fixture
def api() -> OneReply:
    return OneReply()
