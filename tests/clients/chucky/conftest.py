import pytest

from .prompted import Prompted


@pytest.fixture
def api() -> Prompted:
    return Prompted()
