"""Secrets struck from all that may be shown, in the forms in which a server may echo them."""

import base64
import html
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

_STRUCK: Final = "***"
_SHORTEST_SECRET: Final = 4
"""A shorter one is a placeholder, and would be struck from the middle of words."""
_SHORTEST_FORM: Final = 8
"""A shorter form than this, such as of a part, would strike what is no secret."""


class Redaction:
    """Strikes the secrets it was given."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = sorted(
            {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)},
            key=len,
            reverse=True,
        )
        self._pattern = re.compile("|".join(map(re.escape, forms)), re.IGNORECASE)
        self._lowered = [form.lower() for form in forms]

    def text(self, text: str) -> str:
        # Looking for the words first is many times faster than the pattern, and most replies hold none.
        lowered = text.lower()
        if not any(form in lowered for form in self._lowered):
            return text
        return self._pattern.sub(_STRUCK, text)

    def data(self, data: bytes) -> bytes:
        # Latin-1 gives each byte a character, and the secrets' forms are ASCII.
        return self.text(data.decode("latin-1")).encode("latin-1")


def _forms(secret: str) -> set[str]:
    # A JWT's last part is its signature, without which the others are worth nothing.
    signature = secret.rpartition(".")[2]
    others = {
        quote(secret),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        secret.encode().hex(),
        signature,
        *_base64_forms(secret.encode()),
    }
    return {secret, *(form for form in others if len(form) >= _SHORTEST_FORM)}


def _base64_forms(secret: bytes) -> Iterable[str]:
    # It may stand anywhere in what was encoded, as in base64("Bearer " + key): three positions are possible.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret).decode("ascii").rstrip("=")
        # The first and last characters hold bits of what stands beside it.
        part = encoded[(0, 2, 3)[before] : len(encoded) - bool((before + len(secret)) % 3)]
        yield part
        yield part.translate(str.maketrans("+/", "-_"))
