"""The limits that both APIs document, held before a call is sent; each raises `InvalidCall`."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from .errors import InvalidCall


def given(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON takes
    """Make a body of the fields that are not None, under the names given."""
    return {name: value for name, value in fields.items() if value is not None}


def require_some(body: Mapping[str, Any], what: str) -> None:
    if not body:
        raise InvalidCall(f"nothing to change was given: give at least one of {what}")


def check_text(name: str, value: str | None, *, most: int | None = None, required: bool = True) -> None:
    """Hold that a text is one, has at most `most` characters, and where `required` is not empty."""
    if value is None and not required:
        return
    if not isinstance(value, str):
        raise InvalidCall(f"{name} must be a text, but it is {_type(value)}")
    if not value and required:
        raise InvalidCall(f"{name} must not be empty")
    if most is not None and len(value) > most:
        raise InvalidCall(f"{name} has {len(value):,} characters, and at most {most:,} are allowed")


def check_id(name: str, value: str, *, taken: Collection[str] = ()) -> None:
    """Hold that an id makes a path of its own; `taken` are the segments that other calls have there."""
    check_text(name, value)
    if value in {".", ".."}:
        raise InvalidCall(f"{name} must not be {value!r}: as a segment of a path it means another path")
    if value in taken:
        raise InvalidCall(
            f"{name} must not be {value!r} here: the path that it makes is that of another call"
        )


def check_number(name: str, value: float | None, *, least: float, most: float) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidCall(f"{name} must be a number, but it is {_type(value)}")
    if not least <= value <= most:  # in this form it refuses NaN too
        raise InvalidCall(f"{name} must be from {least:g} to {most:g}, but it is {_shown(value)}")


def check_count(name: str, value: int | None, *, most: int | None = None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidCall(f"{name} must be a whole number, but it is {_type(value)}")
    if value < 1 or (most is not None and value > most):
        bounds = "at least 1" if most is None else f"from 1 to {most}"
        raise InvalidCall(f"{name} must be {bounds}, but it is {_shown(value)}")


def check_choice(name: str, value: str | None, choices: Sequence[str]) -> None:
    if value is not None and value not in choices:
        raise InvalidCall(_not_among(name, value, choices))


def check_choices(name: str, values: Sequence[str] | None, choices: Sequence[str]) -> None:
    check_texts(name, values)
    for value in values or ():
        check_choice(f"each of {name}", value, choices)


def check_texts(name: str, values: Sequence[str] | None, *, required: bool = False) -> None:
    """Hold that a list has texts only; `required` that it has at least one."""
    if values is None and not required:
        return
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InvalidCall(f"{name} must be a list of texts, but it is {_type(values)}")
    if required and not values:
        raise InvalidCall(f"{name} must have at least one element")
    for value in values:
        if not isinstance(value, str):
            raise InvalidCall(f"each of {name} must be a text, but one is {_type(value)}")


def check_object(name: str, value: Mapping[str, Any] | None) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidCall(f"{name} must be an object (a dict), but it is {_type(value)}")


def check_objects(
    name: str, values: Sequence[Mapping[str, Any]] | None, *, texts: Sequence[str], required: bool = False
) -> None:
    """Hold that a list has objects only, each with the fields `texts`; a field may be empty, not absent."""
    if values is None and not required:
        return
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise InvalidCall(f"{name} must be a list of objects (dicts), but it is {_type(values)}")
    if required and not values:
        raise InvalidCall(f"{name} must have at least one element")
    for place, value in enumerate(values):
        for field in texts:
            text = value.get(field) if isinstance(value, Mapping) else None
            if not isinstance(text, str):
                raise InvalidCall(f"{name}[{place}] must be an object with the texts {' and '.join(texts)}")


def check_webhook_url(url: str, *, plain_here: bool) -> None:
    """Hold that a webhook's URL is HTTPS; `plain_here` allows plain http to this machine.

    No message repeats the URL: its user, path or query may be a secret.
    """
    check_text("url", url)
    if any(character.isspace() or not character.isprintable() for character in url):
        raise InvalidCall("url must not hold spaces or control characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # its words may repeat a password
        raise InvalidCall("url is not a URL: its host or port can't be read") from None
    if not host:
        raise InvalidCall("url must name a host, as https://example.com/webhooks/chaozcode does")
    if parts.scheme == "https" or (parts.scheme == "http" and plain_here and is_this_machine(host)):
        return
    raise InvalidCall(
        f"url must start with https://, as ChaozCode calls no other, but it is {parts.scheme}://"
    )


def is_this_machine(host: str) -> bool:
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _not_among(name: str, value: object, choices: Sequence[str]) -> str:
    near = get_close_matches(value, choices, n=1) if isinstance(value, str) else ()
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{name} must be one of {', '.join(choices)}, but it is {value!r:.80}; {hint}".rstrip("; ")


def _shown(number: float) -> str:
    try:
        return str(number)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "of thousands of digits"


def _type(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
