"""Groups of failures as JSON values, for machines."""

from typing import Any

from console.rendering import iso_time
from eventlog.failure_group_detail import GroupDetail
from eventlog.failure_groups import FailedCode, FailureGroup


def _code_json(code: FailedCode) -> dict[str, Any]:
    return {"handler": code.handler, "version": code.version, "release": code.release}


def group_json(group: FailureGroup) -> dict[str, Any]:
    return {
        "fingerprint": group.fingerprint,
        "count": group.count,
        "still_dead": group.still_dead,
        "more": group.more,
        "more_dead": group.more_dead,
        "first_at": iso_time(group.first_at),
        "last_at": iso_time(group.last_at),
        "error_type": group.error_type,
        "message": group.message,
        "handlers": list(dict.fromkeys(code.handler for code in group.code)),
        "versions": [_code_json(code) for code in group.code],
    }


def detail_json(group: GroupDetail) -> dict[str, Any]:
    newest = group.newest
    return {
        "fingerprint": group.fingerprint,
        "count": group.count,
        "events": group.events,
        "still_dead": group.still_dead,
        "more": group.more,
        "more_dead": group.more_dead,
        "first_at": iso_time(group.first_at),
        "last_at": iso_time(group.last_at),
        "versions": [
            _code_json(each.code)
            | {
                "count": each.count,
                "first_at": iso_time(each.first_at),
                "last_at": iso_time(each.last_at),
            }
            for each in group.by_code
        ],
        "newest": {
            "event_id": group.newest_event_id,
            "handler": newest.handler,
            "replay": newest.replay,
            "attempt": newest.attempt,
            "failed_at": iso_time(newest.failed_at),
            "error_type": newest.error_type,
            "message": newest.message,
            "traceback": newest.traceback,
        },
        "listed": [
            {
                "event_id": hit.id,
                "type": hit.type,
                "handler": hit.handler,
                "failed_at": iso_time(hit.failed_at),
                "state": None if hit.state is None else hit.state.value,
            }
            for hit in group.hit
        ],
        "replay_command": replay_command(group.fingerprint),
    }


def replay_command(fingerprint: str) -> str:
    """Give the command that repeats what died of it."""
    return f"hooks replay --fingerprint {fingerprint} --canary"
