"""Puts what was measured into a page, between markers; the rest of the page is people's."""

import re


class NoSection(Exception):  # noqa: N818 - named for what happened
    """The page has no place for these figures."""


def replace_section(page: str, name: str, content: str) -> str:
    """Give the page with the content of one section replaced. Raises `NoSection`.

    A section stands between the lines `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
    """
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise NoSection(f"the page needs one line {begin} and, after it, one line {end}")
    pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
    return re.sub(pattern, lambda _: f"{begin}\n\n{content.strip()}\n\n{end}", page, flags=re.DOTALL)
