"""A whole sandbox, as new for each test."""

import pytest

from tests.sandbox.whole import Whole


@pytest.fixture(scope="session")
def one_whole() -> Whole:
    return Whole()


@pytest.fixture
def whole(one_whole: Whole) -> Whole:
    one_whole.start_anew()
    return one_whole
