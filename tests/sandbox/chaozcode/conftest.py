"""ChaozCode's side of the sandbox, new for each test."""

import pytest

from tests.sandbox.imitation import Imitation


@pytest.fixture(scope="session")
def built() -> Imitation:
    return Imitation()


@pytest.fixture
def api(built: Imitation) -> Imitation:
    built.start_anew()
    return built
