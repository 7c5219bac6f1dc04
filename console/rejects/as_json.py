"""Refused requests as JSON values, for machines."""

from typing import Any

from console.rendering import iso_time
from eventlog.rejects import Reject


def listed(reject: Reject) -> dict[str, Any]:
    return {
        "id": reject.id,
        "received_at": iso_time(reject.received_at),
        "request_id": reject.request_id,
        "status": reject.status,
        "code": reject.code,
        "reason": reject.reason,
        "signed": reject.is_signed,
        "signature": reject.signature,
        "bytes": reject.size,
        "has_body": reject.has_body,
        "not_kept_before": reject.not_kept,
    }
