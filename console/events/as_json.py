"""Events as JSON values, for machines."""

import base64
import json
from typing import Any

from console.rendering import iso_time
from eventlog.detail import Delivery, EventDetail, FailedAttempt
from eventlog.effects import Effect
from eventlog.export import ExportedEvent
from eventlog.listing import ListedEvent


def listed(event: ListedEvent) -> dict[str, Any]:
    return _core(event) | {"dead_handlers": list(event.dead_handlers)}


def exported(event: ExportedEvent) -> dict[str, Any]:
    return (
        _core(event)
        | {
            "body_sha256": event.body_sha256.hex(),
            "deliveries": [_delivery(delivery) for delivery in event.deliveries],
        }
        | body_fields(event.body)
    )


def detailed(event: EventDetail) -> dict[str, Any]:
    return (
        _core(event)
        | {
            "deliveries": [_delivery(delivery) for delivery in event.deliveries],
            "failures": [_failure(failure) for failure in event.failures],
            "effects": [_effect(effect) for effect in event.effects],
            "bodies": [
                {"sha256": kept.sha256.hex(), "received_at": iso_time(kept.received_at), "bytes": kept.length}
                for kept in event.bodies
            ],
        }
        | body_fields(event.body)
    )


def _core(event: ListedEvent | ExportedEvent | EventDetail) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "id": event.id,
        "type": event.type,
        "subject": event.subject,
        "created_at": iso_time(event.created_at),
        "received_at": iso_time(event.received_at),
        "state": event.state.value,
        "due_at": iso_time(event.due_at),
        "seen": event.seen,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "handler": delivery.handler,
        "replay": delivery.replay,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "started_at": iso_time(delivery.started_at),
        "duration_seconds": None if delivery.duration is None else delivery.duration.total_seconds(),
        "due_at": iso_time(delivery.due_at),
        "version": delivery.version,
        "release": delivery.release,
        "note": delivery.note,
        "queue": delivery.queue,
        "behind": delivery.behind,
        "holds": delivery.holds,
        "resolved_at": iso_time(delivery.resolved_at),
        "resolved_by": delivery.resolved_by,
        "resolved_why": delivery.resolved_why,
    }


def _failure(failure: FailedAttempt) -> dict[str, Any]:
    return {
        "handler": failure.handler,
        "replay": failure.replay,
        "attempt": failure.attempt,
        "failed_at": iso_time(failure.failed_at),
        "error_type": failure.error_type,
        "message": failure.message,
        "traceback": failure.traceback,
        "fingerprint": failure.fingerprint,
        "version": failure.version,
        "release": failure.release,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "handler": effect.handler,
        "replay": effect.replay,
        "key": effect.key,
        "result": json.loads(effect.result),
        "recorded_at": iso_time(effect.recorded_at),
    }


def body_fields(body: bytes | None) -> dict[str, str | None]:
    # A decoded string gives back the same bytes; whatever is no UTF-8 goes as base64.
    if body is None:
        return {"body": None}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}
