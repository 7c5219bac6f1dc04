"""docs/configuration.md says what the settings are."""

from pathlib import Path

from console.reference import configuration_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    assert (DOCS / "configuration.md").read_text() == configuration_page(), "run: make docs"
