"""Where the two doors meet: a request's body and signature in, an answer and a line in the log out."""

from collections.abc import Callable, Sequence
from datetime import datetime
from random import getrandbits
from typing import Final

import msgspec
import structlog

from eventlog.arrival import Receipt
from eventlog.errors import LogUnavailable
from eventlog.event import Event
from receiver.admit import admit
from receiver.answer import UNAVAILABLE, UNSIGNED, Answer, Refusal, received, unusable
from receiver.intake import Intake, IntakeFull
from receiver.rejection import KEPT_STATUSES, Rejection
from receiver.time_limit import TimeLimit

WEBHOOK_PATH: Final = "/webhooks/chaozcode"
SIGNATURE_HEADER: Final = "x-chaozcode-signature"
PROBE: Final = b'{"probe":"hooks webhooks"}'
"""Asks whether a secret is accepted: it has no id, so it is never an event, nor is it kept as a reject."""
DURABLE_WITHIN_SECONDS: Final = 10.0
"""Past this the sender is told 503; the event may still become durable, and is then a duplicate next time."""

_NOT_NOW: Final = (LogUnavailable, TimeoutError)


def new_request_id() -> str:
    return f"req_{getrandbits(64):016x}"  # a name, not a secret


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was admitted, and the request that brought it."""

    event: Event
    request_id: str
    signature: str | None


KeepRejection = Callable[[Rejection], None]
"""Is given each refused request; must neither wait nor fail."""


def _keep_nothing(_rejection: Rejection) -> None:
    pass


class Reception:
    """Takes requests from a door, which only has to read and write HTTP."""

    def __init__(
        self,
        intake: Intake,
        keys: Callable[[], Sequence[bytes]],
        clock: Callable[[], datetime],
        keep_rejection: KeepRejection = _keep_nothing,
    ) -> None:
        self._intake = intake
        self._keys = keys
        self._clock = clock
        self._keep_rejection = keep_rejection
        self._log = structlog.get_logger("receiver")

    def receive(self, body: bytes, signature: str | None, request_id: str) -> Answer:
        """Take a request, and answer when its event is durable; waits in this thread, within bounds."""
        signed = self._admit(body, signature, request_id)
        if isinstance(signed, Answer):
            return signed
        try:
            future = self._intake.submit(signed.event)
        except IntakeFull as full:
            return self._put_off(signed, full)
        try:
            receipt = future.result(timeout=DURABLE_WITHIN_SECONDS)
        except _NOT_NOW as error:
            future.cancel()  # still in the line: then it need not be written
            return self._put_off(signed, error)
        return self._conclude(signed, receipt)

    async def receive_in_loop(
        self, body: bytes, signature: str | None, request_id: str, limit: TimeLimit
    ) -> Answer:
        """Take a request as `receive` does, in an event loop; `limit` is `DURABLE_WITHIN_SECONDS` there."""
        signed = self._admit(body, signature, request_id)
        if isinstance(signed, Answer):
            return signed
        try:
            receipt = await limit.watch(self._intake.submit_in_loop(signed.event, limit.loop))
        except (IntakeFull, *_NOT_NOW) as error:
            return self._put_off(signed, error)
        return self._conclude(signed, receipt)

    def _admit(self, body: bytes, signature: str | None, request_id: str) -> Signed | Answer:
        admitted = admit(body, signature, keys=self._keys(), now=self._clock())
        if isinstance(admitted, Event):
            return Signed(event=admitted, request_id=request_id, signature=signature)
        if body == PROBE:
            tell = self._log.info if admitted is UNSIGNED else self._log.debug
            tell("secret_probed", status=admitted.status, request_id=request_id)
            return admitted.answer(request_id)
        return self.refuse(admitted, request_id, body=body, signature=signature)

    def _put_off(self, signed: Signed, error: BaseException) -> Answer:
        reason = str(error) or "it took too long"
        return self.refuse(UNAVAILABLE, signed.request_id, event_id=signed.event.id, reason=reason)

    def _conclude(self, signed: Signed, receipt: Receipt) -> Answer:
        event, request_id = signed.event, signed.request_id
        if receipt in (Receipt.LOCKED, Receipt.INTERRUPTED):
            return self.refuse(UNAVAILABLE, request_id, event_id=event.id, reason=receipt.value)
        if receipt is Receipt.NOT_STORABLE:
            return self.refuse(
                unusable("id", "or another field can't be stored"),
                request_id,
                body=event.body,
                signature=signed.signature,
                event_id=event.id,
            )
        self._log.info(
            "event_accepted" if receipt is Receipt.NEW else "event_duplicate",
            event_id=event.id,
            type=event.type,
            request_id=request_id,
            **({"differs": True} if receipt is Receipt.DIFFERS else {}),
        )
        return received(event.id, receipt)

    def refuse(
        self,
        refusal: Refusal,
        request_id: str,
        *,
        body: bytes | None = None,
        signature: str | None = None,
        **fields: str,
    ) -> Answer:
        """Answer with a refusal, log it under the same request id, and have it kept for the operator."""
        if refusal.status in KEPT_STATUSES:
            self._keep_rejection(
                Rejection(
                    refusal=refusal,
                    request_id=request_id,
                    received_at=self._clock(),
                    body=body,
                    signature=signature,
                )
            )
        details = {**refusal.details, **fields}
        self._log.warning(
            "request_refused", status=refusal.status, code=refusal.code, request_id=request_id, **details
        )
        return refusal.answer(request_id)
