"""Finds the examples in a page."""

import re
from pathlib import Path

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page: Path, language: str) -> list[str]:
    """Give the fenced blocks of a language, in order."""
    return [text for found, text in _FENCED.findall(page.read_text()) if found == language]
