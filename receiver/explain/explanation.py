"""Names the likely cause of one refusal, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eventlog.event import Event
from eventlog.rejects import Reject
from receiver.admit import admit
from receiver.answer import UNSIGNED, Refusal
from receiver.explain.headers import claims
from receiver.explain.keys import KnownSecret
from receiver.explain.signatures import find_deviations
from receiver.rejection import HOLDS_SECRET
from receiver.signature import is_well_formed, verify

_CUT_SHORT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a request was refused."""

    causes: tuple[str, ...]
    """Fixed names, the likeliest cause; several where the sender strayed in several ways."""
    message: str
    todo: str
    is_admissible: bool = False
    """Whether `hooks rejects admit` would take it in now."""


def explain(reject: Reject, body: bytes | None, secrets: Sequence[KnownSecret]) -> Explanation:
    """Find out why a request of the ring was refused; tries the secrets, and shows none of them."""
    if reject.is_signed:
        return Explanation(
            causes=("no-event",),
            message=f"The signature fits; the body is refused: {reject.reason}",
            todo=f"look at what was sent (hooks rejects show {reject.id}), and tell the sender",
        )
    if reject.status != UNSIGNED.status:
        return _unread(reject)
    if reject.reason.startswith(HOLDS_SECRET):
        return Explanation(
            causes=("secret-as-signature",),
            message="The header held the secret itself instead of a signature; it was not kept.",
            todo="have the sender sign with HMAC-SHA256, and change the secret: it was sent in the clear",
        )
    if reject.signature is None or not reject.signature.strip():
        return Explanation(
            causes=("no-signature",),
            message="There was no X-ChaozCode-Signature header, or an empty one, or one that is not ASCII.",
            todo="if ChaozCode sent it, see whether a proxy takes the header away; else it is not for you",
        )
    if body is None:
        return Explanation(
            causes=("unknown",),
            message="Its body was not kept: nothing can be tried.",
            todo="see the next one",
        )
    return _of_signature(reject, body, reject.signature, secrets)


def _of_signature(reject: Reject, body: bytes, signature: str, secrets: Sequence[KnownSecret]) -> Explanation:
    accepted = [secret.key for secret in secrets if secret.is_accepted]
    if verify(body, signature, accepted):
        return _mended(reject, admit(body, signature, keys=accepted, now=reject.received_at))
    found = find_deviations(body, signature, secrets)
    if not found:
        return _unexplained(signature, body)
    return Explanation(
        causes=tuple(deviation.cause for deviation in found),
        message=f"The signature fits, but {', and '.join(deviation.what for deviation in found)}.",
        todo="; ".join(dict.fromkeys(deviation.todo for deviation in found)),
    )


def _mended(reject: Reject, admitted: Event | Refusal) -> Explanation:
    if isinstance(admitted, Refusal):
        return Explanation(
            causes=("no-event",),
            message=f"The signature fits now, but the body is refused: {admitted.message}",
            todo=f"look at what was sent (hooks rejects show {reject.id}), and tell the sender",
        )
    return Explanation(
        causes=("verifies-now",),
        message="The signature fits now: the secret was mended since.",
        todo=f"take it in: hooks rejects admit {reject.id}",
        is_admissible=True,
    )


def _unread(reject: Reject) -> Explanation:
    causes = {
        408: ("too-slow", "the sender, or the way to it, was slow; see HOOKS_BODY_SECONDS"),
        413: ("too-large", "raise HOOKS_MAX_BODY_BYTES if such events are to be taken"),
    }
    cause, todo = causes.get(reject.status, ("cut-off", "the connection broke; a sender sends again"))
    return Explanation(
        causes=(cause,), message=f"{reject.reason} The signature was not looked at.", todo=todo
    )


def _unexplained(header: str, body: bytes) -> Explanation:
    if not is_well_formed(header):
        is_cut = len(header) >= _CUT_SHORT
        held = (
            "what could be a signature, but fits no secret here" if claims(header) else "no signature at all"
        )
        return Explanation(
            causes=("malformed-header",),
            message=f"The header is not of the form sha256=<64 hex digits>: it holds {held}"
            + (" (only its beginning was kept)." if is_cut else "."),
            todo="if ChaozCode sent it, compare the header with what its documentation shows;"
            " else it is not for you",
        )
    if body.lstrip()[:1] != b"{":
        return Explanation(
            causes=("unknown",),
            message="No secret known here fits, and the body is no JSON object: likely a stranger's.",
            todo="nothing, unless you expected it",
        )
    return Explanation(
        causes=("wrong-secret",),
        message="No secret known here fits, in no usual way: it was made with another secret altogether,"
        " or something changes the body on its way.",
        todo="compare the secret with the one that ChaozCode shows for this webhook; try another one by"
        " --secret-file FILE",
    )
