"""Whether ChaozCode could call a webhook's URL at all, as far as the URL itself tells."""

import ipaddress
import socket
from typing import Final

import click
import httpx2

from receiver.reception import WEBHOOK_PATH
from sandbox.trust import is_loopback

_HOW: Final = 'docs/operating.md, "Being reached by HTTPS", shows a proxy, a PaaS and a tunnel'
_LOCAL_NAMES: Final = (".local", ".internal", ".lan", ".home", ".home.arpa", ".test", ".example", ".invalid")


def require_callable(url: str, *, api_is_here: bool, look_up_names: bool = True) -> None:
    """Check a URL; where the API is on this machine too, as the sandbox is, so may the receiver be.

    Raises `click.ClickException` with what to do.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise click.UsageError(f"this is no URL: {error}; write https://your.host{WEBHOOK_PATH}") from error
    is_clean = url.isprintable() and " " not in url
    if parsed.scheme not in ("http", "https") or not parsed.host or not is_clean:
        raise click.UsageError(f"{url!r} is no URL of a receiver; write https://your.host{WEBHOOK_PATH}")
    if parsed.fragment or parsed.userinfo:
        raise click.UsageError("the URL must have neither a user and password nor a part after #")
    if api_is_here and is_loopback(url):
        return
    if is_loopback(url):
        raise click.ClickException(
            f"{parsed.host} is this machine for ChaozCode's servers too, so it can't reach you there; {_HOW}"
        )
    if parsed.scheme == "http":
        raise click.ClickException(f"ChaozCode calls HTTPS URLs only, and this one is http://; {_HOW}")
    if (reason := _private(parsed.host, look_up=look_up_names)) is not None:
        raise click.ClickException(f"ChaozCode can't reach {reason}; {_HOW}")


def _private(host: str, *, look_up: bool) -> str | None:
    """Say why a host is out of reach from the internet; None where nothing speaks against it."""
    bare = host.strip("[]")
    try:
        return None if ipaddress.ip_address(bare).is_global else f"{bare}, an address of a private network"
    except ValueError:
        pass
    if "." not in bare or bare.endswith(_LOCAL_NAMES):
        return f"{bare}, a name of a private network"
    if not look_up:
        return None
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)}
    except OSError:
        return None  # the request to it, which comes next, says more
    addresses = [ipaddress.ip_address(str(address).partition("%")[0]) for address in found]
    if addresses and not any(address.is_global for address in addresses):
        return (
            f"{bare}, which is {addresses[0]} here, an address of a private network (--no-check skips this)"
        )
    return None
