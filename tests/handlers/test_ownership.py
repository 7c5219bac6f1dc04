"""Whose code a file holds."""

import json
from pathlib import Path

import pytest
import structlog

import eventlog.event
import handlers.builtin.log_event
import handlers.router
import hooks_testkit.path
from handlers.ownership import is_the_users

_CUSTOM = Path(str(handlers.router.__file__)).parent / "custom"


@pytest.mark.parametrize(
    "file", [__file__, str(_CUSTOM / "mine.py"), handlers.builtin.log_event.__file__, "/srv/billing/hooks.py"]
)
def test_handlers_and_what_is_nobody_elses_are_the_users(file: str) -> None:
    assert is_the_users(file)


@pytest.mark.parametrize(
    "file",
    [
        eventlog.event.__file__,
        handlers.router.__file__,
        hooks_testkit.path.__file__,
        json.__file__,
        structlog.__file__,
        "<frozen importlib._bootstrap>",
    ],
)
def test_ours_pythons_and_libraries_are_not(file: str) -> None:
    assert not is_the_users(file)


def test_a_folder_whose_name_begins_like_one_of_ours_is_the_users() -> None:
    assert is_the_users(str(_CUSTOM.parents[1] / "handlers_of_mine" / "a.py"))
