"""What can be told of source code by looking at its lines and names."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

_LANGUAGES: Final[Mapping[str, str]] = {
    ".c": "c",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".css": "css",
    ".go": "go",
    ".html": "html",
    ".java": "java",
    ".js": "javascript",
    ".json": "json",
    ".jsx": "javascript",
    ".kt": "kotlin",
    ".md": "markdown",
    ".php": "php",
    ".py": "python",
    ".rb": "ruby",
    ".rs": "rust",
    ".sh": "bash",
    ".sql": "sql",
    ".swift": "swift",
    ".toml": "toml",
    ".ts": "typescript",
    ".tsx": "typescript",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_IMPORT: Final = re.compile(
    r"""^[ ]*(?:
        from[ ]+([\w.@/-]+)[ ]+import  # Python
        | import[ ]+(?:[^'"\n]*?[ ]from[ ]+)?['"]?([\w.@/-]+)  # Python, and JavaScript
    )""",
    re.MULTILINE | re.VERBOSE,
)
_LONGEST_LINE: Final = 120
_SIGNS: Final = (
    (re.compile(r"\beval\("), "security", "high", "eval runs whatever it is given", "Parse it instead."),
    (
        re.compile(r"(?i)(?:password|secret|api_?key)\s*=\s*['\"]"),
        "security",
        "high",
        "a secret stands in the code",
        "Read it from the environment.",
    ),
    (
        re.compile(r"except\s*:"),
        "bugs",
        "medium",
        "it hides every error",
        "Name the errors that are expected.",
    ),
    (re.compile(r"\b(?:TODO|FIXME)\b"), "bugs", "low", "it is not finished", "Finish it, or file an issue."),
    (
        re.compile(r"\bsleep\("),
        "performance",
        "medium",
        "it waits for a fixed time",
        "Wait for what it waits for.",
    ),
    (re.compile(r"[ \t]+$"), "style", "low", "white space at its end", "Remove it."),
    (re.compile(rf".{{{_LONGEST_LINE + 1}}}"), "style", "low", "it is long", "Break it."),
)


def lines_in(content: str) -> int:
    return len(content.splitlines())


def language_shares(files: Mapping[str, str]) -> dict[str, int]:
    """Give the languages of the files, each with its percentage of the lines; those with most come first."""
    lines: Counter[str] = Counter()
    for path, content in files.items():
        lines[_LANGUAGES.get(PurePosixPath(path).suffix.lower(), "other")] += lines_in(content)
    total = lines.total()
    return {name: round(100 * count / total) for name, count in lines.most_common() if count}


def kinds_of(files: Mapping[str, str]) -> dict[str, int]:
    """Count the files by what their paths tell, in the documented kinds."""
    counted = Counter(_kind_of(PurePosixPath(path.lower())) for path in files)
    return {kind: counted[kind] for kind in ("components", "hooks", "utils", "tests")}


def dependencies_of(files: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give what the files import, with how many of them do."""
    named = Counter(
        name for content in files.values() for name in {a or b for a, b in _IMPORT.findall(content)}
    )
    return [{"name": name, "files": count} for name, count in sorted(named.items())]


def issues_in(code: str) -> Iterator[dict[str, Any]]:
    """Give what stands out, line by line."""
    for number, line in enumerate(code.splitlines(), start=1):
        for sign, category, severity, message, suggestion in _SIGNS:
            if sign.search(line):
                yield {
                    "line": number,
                    "category": category,
                    "severity": severity,
                    "message": message,
                    "suggestion": suggestion,
                }


def _kind_of(path: PurePosixPath) -> str:
    if "test" in path.name or "spec" in path.name or "tests" in path.parts:
        return "tests"
    if path.name.startswith("use") or "hooks" in path.parts:
        return "hooks"
    if path.suffix in {".tsx", ".jsx"} or "components" in path.parts:
        return "components"
    return "utils" if {"utils", "lib", "helpers"} & set(path.parts) else "other"
