from typing import Any

from tests.sandbox.imitation import Imitation

FILES = [
    {"path": "src/Button.tsx", "content": "import React from 'react'\nexport const B = 1\n" + "x\n" * 6},
    {"path": "src/style.css", "content": "a {}\nb {}\n"},
]


def reply(api: Imitation, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = api.post(path, body)
    assert response.status_code == 200
    assert isinstance(response.json, dict)
    return response.json


def test_an_analysis_counts_files_lines_and_languages(api: Imitation) -> None:
    found = reply(api, "/codebase/analyze", {"files": FILES, "depth": "deep"})
    assert found == {
        "summary": {"totalFiles": 2, "totalLines": 10, "languages": {"typescript": 80, "css": 20}},
        "structure": {"components": 1, "hooks": 0, "utils": 0, "tests": 0},
        "dependencies": [{"name": "react", "files": 1}],
        "suggestions": [],
    }


def test_a_basic_analysis_leaves_the_dependencies_out(api: Imitation) -> None:
    assert reply(api, "/codebase/analyze", {"files": FILES, "depth": "basic"})["dependencies"] == []


def test_code_is_generated_in_the_language(api: Imitation) -> None:
    generated = reply(api, "/codebase/generate", {"task": "Add a login", "language": "go", "context": FILES})
    assert generated["code"].startswith("// ")
    assert "Add a login" in generated["code"]
    assert generated["language"] == "go"


def test_a_review_looks_for_what_is_asked(api: Imitation) -> None:
    code = "eval(x)\ntry: pass\nexcept: pass\n"
    assert [issue["category"] for issue in reply(api, "/codebase/review", {"code": code})["issues"]] == [
        "security",
        "bugs",
    ]
    focused = reply(api, "/codebase/review", {"code": code, "focus": ["bugs", "style"]})
    assert [(issue["line"], issue["category"]) for issue in focused["issues"]] == [(3, "bugs")]


def test_a_fix_gives_code_and_says_what_was_done(api: Imitation) -> None:
    fixed = reply(api, "/codebase/fix", {"code": "a  \nb", "error": "E501"})
    assert fixed["fixedCode"] == "a\nb"
    assert "E501" in fixed["explanation"]
    assert [change["line"] for change in fixed["changes"]] == [1]
