"""Holds our packages to the rules of tests/layers.py, and shows that each rule can be broken."""

from pathlib import PurePath

import pytest

from tests.layers import (
    MAY_IMPORT,
    detours,
    forbidden_imports,
    misplaced_libraries,
    our_sources,
    reads_of_the_environment,
    source_at,
)


def test_packages_import_only_what_their_layer_allows() -> None:
    assert [line for source in our_sources() for line in forbidden_imports(source)] == []


def test_libraries_stay_in_the_packages_that_own_them() -> None:
    assert [line for source in our_sources() for line in misplaced_libraries(source)] == []


def test_only_settings_read_the_environment() -> None:
    assert [line for source in our_sources() for line in reads_of_the_environment(source)] == []


def test_the_public_door_never_loads_user_code() -> None:
    assert detours(our_sources()) == []


def test_the_rules_name_modules_that_exist() -> None:
    modules = {source.module for source in our_sources()}
    named = {name for allowed in MAY_IMPORT.values() for name in allowed if "." in name}
    assert named - modules == set()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("eventlog/a.py", "import handlers"),
        ("eventlog/a.py", "def late():\n    from workers.queue import enqueue"),
        ("handlers/a.py", "from workers import queue"),
        ("workers/a.py", "import receiver.signature"),
        ("receiver/a.py", "from handlers.router import Router"),
        ("receiver/a.py", "import workers"),
        ("receiver/a.py", "from workers import jobs"),
        ("receiver/a.py", "from workers import *"),
        ("receiver/a.py", "from workers.queue_of_another import x"),
        ("receiver/deep/a.py", "from ...handlers import router"),
        ("sandbox/a.py", "from eventlog import states"),
        ("sandbox/a.py", "from receiver.app import app"),
        ("workers/a.py", "import sandbox"),
        ("receiver/a.py", "import importlib\nimportlib.import_module('handlers.router')"),
        ("clients/a.py", "import eventlog"),
    ],
)
def test_an_import_against_the_layers_is_found(path: str, text: str) -> None:
    assert len(forbidden_imports(source_at(PurePath(path), text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("receiver/a.py", "from workers.queue import enqueue"),
        ("receiver/a.py", "from workers import queue"),
        ("receiver/__init__.py", "from .intake import submit"),
        ("receiver/deep/a.py", "from ..intake import submit"),
        ("sandbox/a.py", "from eventlog.event import Event\nfrom receiver import signature"),
        ("console/a.py", "import sandbox, workers.supervisor, handlers.router"),
        ("eventlog/a.py", "import json\nfrom collections import abc"),
    ],
)
def test_an_import_along_the_layers_is_not(path: str, text: str) -> None:
    assert forbidden_imports(source_at(PurePath(path), text)) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("eventlog/a.py", "import flask"),
        ("workers/a.py", "from werkzeug.exceptions import NotFound"),
        ("console/a.py", "import rq.job"),
        ("receiver/a.py", "from redis.exceptions import RedisError"),
        ("handlers/a.py", "from sqlalchemy.orm import Session"),
        ("console/a.py", "def upgrade():\n    from alembic import command"),
    ],
)
def test_a_library_out_of_place_is_found(path: str, text: str) -> None:
    assert len(misplaced_libraries(source_at(PurePath(path), text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import os\nprint(os.environ)",
        "import os\nos.getenv('PORT')",
        "from os import environ",
        "from os import getenv",
    ],
)
def test_a_read_of_the_environment_is_found(text: str) -> None:
    assert len(reads_of_the_environment(source_at(PurePath("receiver/intake.py"), text))) == 1
    assert reads_of_the_environment(source_at(PurePath("receiver/settings.py"), text)) == []


@pytest.mark.parametrize(
    "files",
    [
        {"workers/queue.py": "from eventlog import names", "eventlog/names.py": "import handlers.router"},
        {"workers/queue.py": "", "workers/__init__.py": "from workers.jobs import run"},
        {"receiver/app.py": "import eventlog.event", "eventlog/__init__.py": "import workers.jobs"},
    ],
)
def test_a_detour_from_the_door_to_user_code_is_found(files: dict[str, str]) -> None:
    all_files = {
        "handlers/router.py": "",
        "workers/jobs.py": "from handlers.router import Router",
        "eventlog/event.py": "",
    } | files
    found = detours([source_at(PurePath(path), text) for path, text in all_files.items()])
    assert found
    assert all(way.endswith("handlers.router") for way in found)
