"""ChaozCode's error replies, read into errors ("Error Handling", "Error Codes")."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from clients.one_line import one_line
from clients.rate_limit import RateLimit, named_wait

from .errors import DOCUMENTED, ChaozCodeError, Forbidden, Unauthorized, UnexpectedStatus

_BY_STATUS: Final = {status: kind for status, _, kind in DOCUMENTED}
BY_CODE: Final = {code: (status, kind) for status, code, kind in DOCUMENTED}
_HINTS: Final[Mapping[type[ChaozCodeError], str]] = {
    Unauthorized: "check the key in CHAOZCODE_API_KEY",
    Forbidden: "the API key may not do this: a readonly key allows GET only, a restricted one some endpoints",
}


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ChaozCodeError:
    """Make an error of a reply that is no success, of which nothing but the status need be as documented.

    The status tells which error it is; only where it is none of the documented, the code does, if both are of
    one kind (4xx or 5xx).
    """
    error = _error_object(body)
    code = _text(error, "code")
    details = error.get("details")
    kind = _BY_STATUS.get(status) or _by_code(status, code) or UnexpectedStatus
    return kind(
        _describe(kind, status, error, headers),
        status=status,
        code=code,
        details=details if isinstance(details, dict) else None,
        request_id=_text(error, "requestId"),
        rate_limit=RateLimit.read(headers),
        retry_after=named_wait(status, headers),
    )


def _error_object(body: bytes) -> Mapping[str, Any]:
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, as a proxy's page; or one that is nested too deep
        return {}
    error = reply.get("error") if isinstance(reply, dict) else None
    if isinstance(error, str):  # as other APIs have it
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _by_code(status: int, code: str | None) -> type[ChaozCodeError] | None:
    documented, kind = BY_CODE.get(code or "", (0, None))
    return kind if status // 100 == documented // 100 else None


def _describe(
    kind: type[ChaozCodeError], status: int, error: Mapping[str, Any], headers: Mapping[str, str]
) -> str:
    code, message = (one_line(_text(error, name) or "") for name in ("code", "message"))
    name = f"{status} {code}" if code else str(status)
    if not message:
        came = one_line(headers.get("Content-Type", "").partition(";")[0]) or "no content type"
        text = f"ChaozCode answered {name} without a documented error ({came})"
    else:
        text = f"ChaozCode answered {name}: {message}"
    told = (one_line(_text(error.get("details"), name) or "") for name in ("field", "reason"))
    if unsaid := [each for each in told if each and not _says(text, each)]:
        text += f" ({': '.join(unsaid)})"
    if kind in _HINTS:
        text += f"; {_HINTS[kind]}"
    request_id = one_line(_text(error, "requestId") or "")
    return f"{text} [{request_id}]" if request_id else text


def _says(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def _text(document: object, name: str) -> str | None:
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, str) else None
