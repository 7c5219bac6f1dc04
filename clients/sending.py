"""A call as it is sent, checked first: the HTTP library would quote what it refuses, the key as well."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from .errors import InvalidCall


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes; written as `POST /query`, without the host."""

    method: str
    path: Sequence[str]
    """By its segments, which are quoted here."""

    def __str__(self) -> str:
        return f"{self.method} {self._quoted()}"

    def url(self, base_url: str) -> str:
        return base_url + self._quoted()

    def _quoted(self) -> str:
        return "".join(f"/{_segment(each)}" for each in self.path)


def _segment(given: str) -> str:
    if given in {"", ".", ".."}:
        raise InvalidCall(f"an id must not be {given!r}")
    try:
        return quote(given, safe="")
    except UnicodeEncodeError:
        raise InvalidCall(f"the id {given!a} is no valid Unicode") from None


def checked_base_url(given: str) -> str:
    """Give the URL without a slash at its end; raises `InvalidCall` where it can't be the base of others."""
    try:
        url = httpx2.URL(given)
        url.host.encode("idna")  # as it is looked up
    except (httpx2.InvalidURL, ValueError):
        raise InvalidCall("the API's URL can't be read; it should look like https://host/v2") from None
    if url.scheme not in {"https", "http"} or not url.host:
        raise InvalidCall("the API's URL must start with https:// or http:// and name a host")
    if url.userinfo or url.query or url.fragment:
        # A user and a password there would take the place of the key.
        raise InvalidCall("the API's URL must have no user, password, query or fragment")
    return given.rstrip("/")


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the headers; raises `InvalidCall` for a value that no header can carry, without quoting it."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()) or value != value.strip():
            raise InvalidCall(
                f"what was given for the header {name} can't be sent: it must be printable ASCII"
                " without a line break; was the key copied whole, and nothing else?"
            )
    return dict(headers)


def encoded(body: Mapping[str, Any] | None) -> bytes | None:
    """Give a body as JSON; raises `InvalidCall` for what JSON can't hold."""
    if body is None:
        return None
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        return text.encode()
    except UnicodeEncodeError:  # it quotes the whole text
        reason = "a text in it is no valid Unicode"
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    raise InvalidCall(f"what is to be sent can't be written as JSON: {reason}")


def _plain(value: object) -> object:
    """Make of mappings and sequences the kinds that JSON's writer takes; of others, its usual error."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
