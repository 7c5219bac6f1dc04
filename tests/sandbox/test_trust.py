"""Which certificates are trusted when an event is sent to a receiver of our own."""

import ssl
from pathlib import Path

import pytest

from sandbox.trust import is_loopback, tls_trust
from tests.servers.certificate import make_certificate


@pytest.mark.parametrize("url", ["https://127.0.0.1:8000/x", "https://[::1]/x", "https://localhost/x"])
def test_on_this_machine_any_certificate_will_do(url: str) -> None:
    assert is_loopback(url)
    trust = tls_trust(url)
    assert isinstance(trust, ssl.SSLContext)
    assert trust.verify_mode is ssl.CERT_NONE


def test_elsewhere_the_known_authorities_are_trusted_and_the_receivers_own_certificate(
    tmp_path: Path,
) -> None:
    cert, _ = make_certificate(tmp_path, "hooks.example.com")
    assert tls_trust("https://hooks.example.com/x") is True
    trust = tls_trust("https://hooks.example.com/x", cert)
    assert isinstance(trust, ssl.SSLContext)
    assert trust.verify_mode is ssl.CERT_REQUIRED
    assert trust.check_hostname
    assert len(trust.get_ca_certs()) == len(ssl.create_default_context().get_ca_certs()) + 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]:8000/", True),
        ("http://localhost/", True),
        ("https://hooks.example.com/", False),
        ("http://10.0.0.1/", False),
    ],
)
def test_loopback_is_told_from_elsewhere(url: str, *, expected: bool) -> None:
    assert is_loopback(url) is expected
