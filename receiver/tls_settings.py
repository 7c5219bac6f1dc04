"""The certificate and key with which the receiver serves HTTPS itself."""

import ssl
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class _KeyIsEncrypted(ValueError):  # noqa: N818 - named for what happened
    """The private key can't be read without a password."""


class TlsSettings(BaseSettings):
    """How the receiver serves HTTPS; plain HTTP without."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    tls_cert: Path | None = Field(
        default=None,
        validation_alias="HOOKS_TLS_CERT",
        description=(
            "A file with the certificate with which the receiver serves HTTPS itself, and the certificates"
            " that lead from it to a known authority, in PEM. Unset: HTTP, behind a proxy that does it."
        ),
    )
    tls_key: Path | None = Field(
        default=None,
        validation_alias="HOOKS_TLS_KEY",
        description="The file with that certificate's private key, in PEM, without a password.",
    )

    @model_validator(mode="after")
    def _require_a_pair(self) -> Self:
        if self.tls_cert is None and self.tls_key is None:
            return self
        if self.tls_cert is None or self.tls_key is None:
            given, other = ("KEY", "CERT") if self.tls_cert is None else ("CERT", "KEY")
            raise ValueError(
                f"HOOKS_TLS_{given} is set and HOOKS_TLS_{other} is not: set both to serve HTTPS, or neither"
            )
        for variable, path in (("HOOKS_TLS_CERT", self.tls_cert), ("HOOKS_TLS_KEY", self.tls_key)):
            _require_pem(variable, path)
        _require_match(self.tls_cert, self.tls_key)
        return self

    @property
    def scheme(self) -> str:
        return "http" if self.tls_cert is None else "https"


def _require_pem(variable: str, path: Path) -> None:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{variable}: {path} can't be read: {error.strerror}") from error
    wanted = b"CERTIFICATE-----" if variable.endswith("CERT") else b"PRIVATE KEY-----"
    if b"-----BEGIN " not in text or wanted not in text:
        what = "certificate" if variable.endswith("CERT") else "private key"
        raise ValueError(f"{variable}: {path} holds no {what} in PEM (-----BEGIN ...)")


def _require_match(cert: Path, key: Path) -> None:
    def refuse() -> str:
        # Without this OpenSSL would ask for the password on the terminal.
        raise _KeyIsEncrypted

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=refuse)
    except _KeyIsEncrypted as error:
        raise ValueError(
            f"HOOKS_TLS_KEY: {key} is encrypted; store it without a password:"
            f" openssl pkey -in {key} -out plain.key"
        ) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"HOOKS_TLS_KEY: {key} is not the key of the certificate {cert}") from error
        raise ValueError(
            f"HOOKS_TLS_CERT and HOOKS_TLS_KEY: OpenSSL can't use {cert} with {key}: {error.reason or error}"
        ) from error
