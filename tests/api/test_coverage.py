"""docs/api/coverage.md has a row for every documented endpoint, and what its rows name exists."""

import ast
import re
from dataclasses import dataclass
from functools import reduce

import pytest

from clients.chaozcode.client import ChaozCode
from clients.chucky.client import Chucky
from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.sandbox import Sandbox
from tests.api import documents
from tests.api.descriptions import CHAOZCODE, CHUCKY, ROOT

PAGE = ROOT / "docs" / "api" / "coverage.md"
_ROW = re.compile(r"^\| `(GET|POST|PUT|PATCH|DELETE) (\S+)` \|(.*)\|$", re.MULTILINE)
_NAMED = re.compile(r"`([^`]+)`")
_PARAMETER = re.compile(r"<(?:\w+:)?\w+>|\{\w+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    endpoint: str
    calls: list[str]
    route: str
    tests: list[str]


def rows() -> list[Row]:
    found = []
    for method, path, rest in _ROW.findall(PAGE.read_text()):
        calls, (route,), tests = (_NAMED.findall(cell) for cell in rest.split("|"))
        found.append(Row(endpoint=f"{method} {path}", calls=calls, route=route, tests=tests))
    return found


EACH_ROW = pytest.mark.parametrize("row", rows(), ids=lambda row: row.endpoint)


def test_every_documented_endpoint_has_one_row() -> None:
    documented = [endpoint.name for endpoint in (*documents.CHAOZCODE, *documents.CHUCKY)]
    assert [row.endpoint for row in rows()] == documented


def test_every_described_endpoint_has_one_row() -> None:
    described = [operation.name for of in (CHAOZCODE, CHUCKY) for operation in of.operations()]
    assert sorted(row.endpoint for row in rows()) == sorted(described)


@EACH_ROW
def test_the_clients_have_the_calls(row: Row) -> None:
    assert row.calls
    with ChaozCode("cc_test") as chaozcode, Chucky(SANDBOX_TOKEN) as chucky:
        for call in row.calls:
            client, *path = call.removesuffix("()").split(".")
            start = {"chaozcode": chaozcode, "chucky": chucky}[client]
            assert callable(reduce(getattr, path, start))


@EACH_ROW
def test_the_sandbox_has_the_route(row: Row, sandbox: Sandbox) -> None:
    assert row.route in routes(sandbox).get(row.endpoint, ())


@EACH_ROW
def test_the_tests_exist_and_make_the_calls(row: Row) -> None:
    assert row.tests
    texts = [text_of(test) for test in row.tests]
    for call in row.calls:
        _, _, path = call.removesuffix("()").partition(".")
        assert any(f"chaozcode.{path}(" in text or f"chucky.{path}(" in text for text in texts), call


def test_the_sandbox_has_no_route_beyond_the_documented_ones(sandbox: Sandbox) -> None:
    served = {name for name in routes(sandbox) if " /_sandbox" not in name}
    assert served - {row.endpoint for row in rows()} == {"GET /health"}


def test_no_line_of_the_table_is_overlooked() -> None:
    lines = PAGE.read_text().splitlines()
    assert len([line for line in lines if line.startswith("| `")]) == len(rows()) == 36


def routes(sandbox: Sandbox) -> dict[str, set[str]]:
    """Give the view functions of each endpoint, under its documented name."""
    documented = {
        nameless(endpoint.name): endpoint.name for endpoint in (*documents.CHAOZCODE, *documents.CHUCKY)
    }
    found: dict[str, set[str]] = {}
    for rule in sandbox.app.url_map.iter_rules():
        view = sandbox.app.view_functions[rule.endpoint]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            name = nameless(f"{method} {rule.rule.removeprefix('/v2')}")
            found.setdefault(documented.get(name, name), set()).add(f"{view.__module__}.{view.__name__}")
    return found


def nameless(endpoint: str) -> str:
    return _PARAMETER.sub("{}", endpoint)


def text_of(test: str) -> str:
    """Give a test's source, with that of its file's fixtures, where what several tests need is made."""
    file, _, name = test.partition("::")
    module = ast.parse((ROOT / file).read_text())
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    assert name in functions, f"{file} has no {name}"
    fixtures = [
        node for node in functions.values() if any("fixture" in ast.unparse(it) for it in node.decorator_list)
    ]
    return "\n".join(ast.unparse(node) for node in (functions[name], *fixtures))
