"""Each Python example of the docs is a module of handlers that loads, and whose tests pass."""

import importlib.util
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from handlers import Router
from handlers.discovery import warnings_for
from tests.docs.markdown import examples

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in (ROOT / "docs" / "handlers.md", ROOT / "docs" / "testing.md", ROOT / "README.md")
    for number, text in enumerate(examples(page, "python"), 1)
]


@pytest.fixture
def module(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleType]:
    file = tmp_path / "documented_example.py"
    file.write_text(request.param)
    specification = importlib.util.spec_from_file_location("documented_example", file)
    assert specification is not None
    assert specification.loader is not None
    loaded = importlib.util.module_from_spec(specification)
    sys.modules["documented_example"] = loaded
    specification.loader.exec_module(loaded)
    yield loaded
    del sys.modules["documented_example"]


@pytest.mark.parametrize("module", EXAMPLES, indirect=True)
def test_it_registers_handlers_and_its_tests_pass(module: ModuleType, request: pytest.FixtureRequest) -> None:
    router = module.router
    assert isinstance(router, Router)
    assert router.handlers
    assert not warnings_for(router)
    for name, value in vars(module).items():
        if name.startswith("test_"):
            # As pytest would call it, with the fixtures that it names.
            value(**{name: request.getfixturevalue(name) for name in inspect.signature(value).parameters})


def test_there_are_examples_and_tests_among_them() -> None:
    texts = [str(example.values[0]) for example in EXAMPLES]
    assert len(texts) >= 7
    assert sum(text.count("def test_") for text in texts) >= 2
