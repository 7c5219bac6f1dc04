from sandbox.chaozcode.source_code import dependencies_of, issues_in, kinds_of, language_shares


def test_languages_are_told_by_the_file_names() -> None:
    files = {"a.py": "1\n2\n3", "b.RS": "1", "Makefile": "all:", "empty.go": ""}
    assert language_shares(files) == {"python": 60, "rust": 20, "other": 20}
    assert language_shares({}) == {}


def test_kinds_are_told_by_the_paths() -> None:
    paths = [
        "src/useAuth.ts",
        "src/hooks/x.ts",
        "src/Button.tsx",
        "lib/x.py",
        "tests/x.py",
        "a.test.ts",
        "x.md",
    ]
    assert kinds_of(dict.fromkeys(paths, "")) == {"components": 1, "hooks": 2, "utils": 1, "tests": 2}


def test_imports_are_found() -> None:
    files = {
        "a.py": "import os\nfrom flask.views import View\n    import json",
        "b.ts": "import {a, b} from '@scope/pkg'\nimport './side.css'",
        "c.py": "import os",
    }
    found = {dependency["name"]: dependency["files"] for dependency in dependencies_of(files)}
    assert found == {"os": 2, "flask.views": 1, "json": 1, "@scope/pkg": 1, "./side.css": 1}


def test_issues_have_a_line_and_a_category() -> None:
    code = 'password = "x"\nsleep(1)\n# TODO\nx = 1 \n' + "y" * 121
    found = [(issue["line"], issue["category"]) for issue in issues_in(code)]
    assert found == [(1, "security"), (2, "performance"), (3, "bugs"), (4, "style"), (5, "style")]
