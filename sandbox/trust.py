"""Which certificates are trusted when an event is sent to a receiver of our own."""

import ipaddress
import ssl
from pathlib import Path

import httpx2


def is_loopback(url: str) -> bool:
    """Tell whether the URL's host is this machine's loopback."""
    host = httpx2.URL(url).host
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def tls_trust(url: str, own_certificate: Path | None = None) -> ssl.SSLContext | bool:
    """Give what a client for this URL verifies with: the known authorities, the receiver's own certificate.

    On this machine's loopback nothing is verified, as nobody is between the two, and the certificate is made
    out to the name under which others know it.
    """
    if is_loopback(url):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if own_certificate is None:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(own_certificate)
    return context
