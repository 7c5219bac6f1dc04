"""HTTPS by the receiver itself: what is wrong with certificate and key is told in one line, at start."""

import http.client
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
from pydantic import ValidationError

from console.wording import settings_errors
from receiver.tls_settings import TlsSettings
from tests.receiver.running_door import an_event, running_door
from tests.servers.certificate import make_certificate


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def fault(monkeypatch: pytest.MonkeyPatch, cert: Path | None, key: Path | None) -> str:
    for variable, path in (("HOOKS_TLS_CERT", cert), ("HOOKS_TLS_KEY", key)):
        monkeypatch.setenv(variable, "" if path is None else str(path))
    with pytest.raises(ValidationError) as raised:
        TlsSettings()
    (line,) = settings_errors(raised.value)
    return line


def test_a_certificate_with_its_key_is_taken(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TlsSettings().scheme == "http"
    monkeypatch.setenv("HOOKS_TLS_CERT", str(pair[0]))
    monkeypatch.setenv("HOOKS_TLS_KEY", str(pair[1]))
    assert TlsSettings().scheme == "https"


def test_each_fault_names_the_variable_and_what_to_do(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cert, key = pair
    assert fault(monkeypatch, cert, None).startswith("HOOKS_TLS_CERT is set and HOOKS_TLS_KEY is not")
    assert fault(monkeypatch, None, key).startswith("HOOKS_TLS_KEY is set and HOOKS_TLS_CERT is not")
    assert "HOOKS_TLS_CERT: nowhere can't be read: No such file" in fault(monkeypatch, Path("nowhere"), key)
    assert "HOOKS_TLS_KEY: nowhere can't be read: No such file" in fault(monkeypatch, cert, Path("nowhere"))
    assert "holds no certificate in PEM" in fault(monkeypatch, key, key)
    assert "holds no private key in PEM" in fault(monkeypatch, cert, cert)

    _, other = make_certificate(tmp_path, "other")
    assert f"{other} is not the key of the certificate {cert}" in fault(monkeypatch, cert, other)

    encrypted = tmp_path / "encrypted.key"
    command = ["openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:x", "-out", str(encrypted)]
    subprocess.run(command, timeout=60, check=True)
    assert "is encrypted; store it without a password: openssl pkey" in fault(monkeypatch, cert, encrypted)

    broken = tmp_path / "broken.crt"
    broken.write_text(cert.read_text().replace("M", "N"))
    assert "OpenSSL can't use" in fault(monkeypatch, broken, key)


def test_the_receiver_serves_https(pair: tuple[Path, Path], sqlite_url: str, redis_url: str) -> None:
    cert, key = pair
    variables = {"HOOKS_TLS_CERT": str(cert), "HOOKS_TLS_KEY": str(key)}
    with running_door("rsgi", database_url=sqlite_url, redis_url=redis_url, **variables) as door:
        assert door.request("GET", "/readyz").status == 200
        assert door.post(an_event("evt_by_https")).status == 202
        assert door.stored("evt_by_https")
        with pytest.raises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(f"http://127.0.0.1:{door.port}/healthz", timeout=10)
        with pytest.raises(OSError, match="self-signed"):
            urllib.request.urlopen(f"https://127.0.0.1:{door.port}/healthz", timeout=10)
        old = ssl.create_default_context(cafile=str(cert))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with urllib.request.urlopen(
            f"https://127.0.0.1:{door.port}/healthz", timeout=10, context=old
        ) as reply:
            assert reply.status == 200
