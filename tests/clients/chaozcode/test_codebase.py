from typing import Any

import pytest

from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import OneReply

FILES = [{"path": "app.py", "content": "print('hello')"}, {"path": "empty.py", "content": ""}]


def test_a_codebase_is_analysed(api: OneReply) -> None:
    api.json = {
        "summary": {
            "totalFiles": 45,
            "totalLines": 8234,
            "languages": {"typescript": 80, "css": 15, "json": 5},
        },
        "structure": {"components": 12, "hooks": 5, "utils": 8, "tests": 20},
        "dependencies": ["react", {"name": "vite"}, None],
        "suggestions": [],
    }

    analysis = api.client.codebase.analyze(FILES, language="typescript", depth="deep")

    assert api.asked == ("POST", "/v2/codebase/analyze")
    assert api.body == {"files": FILES, "language": "typescript", "depth": "deep"}
    assert analysis.summary is not None
    assert (analysis.summary.total_files, analysis.summary.total_lines) == (45, 8234)
    assert analysis.summary.languages == {"typescript": 80, "css": 15, "json": 5}
    assert analysis.structure == {"components": 12, "hooks": 5, "utils": 8, "tests": 20}
    assert analysis.dependencies == ("react", {"name": "vite"}, None)
    assert analysis.suggestions == ()


def test_code_is_generated(api: OneReply) -> None:
    api.json = {"code": "def f(): ...", "language": "python"}

    generated = api.client.codebase.generate(
        "A function", context=FILES, language="python", style={"quotes": "double"}
    )

    assert api.asked == ("POST", "/v2/codebase/generate")
    assert api.body == {
        "task": "A function",
        "context": FILES,
        "language": "python",
        "style": {"quotes": "double"},
    }
    assert (generated.code, generated.language) == ("def f(): ...", "python")


def test_code_is_reviewed(api: OneReply) -> None:
    api.json = {"issues": [{"severity": "high"}], "score": 7}

    review = api.client.codebase.review("eval(x)", language="python", focus=["security", "bugs"])

    assert api.asked == ("POST", "/v2/codebase/review")
    assert api.body == {"code": "eval(x)", "language": "python", "focus": ["security", "bugs"]}
    assert (review.issues, review.score) == (({"severity": "high"},), 7.0)


def test_code_is_fixed(api: OneReply) -> None:
    api.json = {"fixedCode": "1 / 1", "explanation": "No division by zero."}

    fix = api.client.codebase.fix("1 / 0", error="ZeroDivisionError", context="")

    assert api.asked == ("POST", "/v2/codebase/fix")
    assert api.body == {"code": "1 / 0", "error": "ZeroDivisionError", "context": ""}
    assert (fix.code, fix.explanation) == ("1 / 1", "No division by zero.")


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("analyze", {"files": []}, "files must have at least one element"),
        ("analyze", {"files": [{"path": "a"}]}, "files[0] must be an object with the texts path and content"),
        ("analyze", {"files": FILES, "depth": "deeper"}, "did you mean 'deep'?"),
        ("analyze", {"files": FILES, "language": 1}, "language must be a text"),
        ("generate", {"task": ""}, "task must not be empty"),
        ("generate", {"task": "x", "context": ["app.py"]}, "context[0] must be an object"),
        ("generate", {"task": "x", "style": "pep8"}, "style must be an object"),
        ("review", {"code": ""}, "code must not be empty"),
        ("review", {"code": "x", "focus": "bugs"}, "focus must be a list of texts"),
        ("review", {"code": "x", "focus": ["bug"]}, "did you mean 'bugs'?"),
        ("fix", {"code": ""}, "code must not be empty"),
        ("fix", {"code": "x", "error": ValueError()}, "error must be a text"),
    ],
)
def test_what_breaks_a_limit_is_not_sent(
    api: OneReply, method: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidCall) as raised:
        getattr(api.client.codebase, method)(**options)

    assert message in str(raised.value)
    assert not api.requests
