"""Which delivery is next: by time, and of one webhook never two at once, so that events arrive in order."""

import heapq
from datetime import datetime

from sandbox.delivery import Delivery


class WaitingLine:
    """Deliveries that are due at some time, in a line per webhook; guarded by its owner's lock."""

    def __init__(self) -> None:
        self._lines: dict[str, list[tuple[datetime, int]]] = {}
        self._busy: set[str] = set()

    def add(self, delivery: Delivery) -> None:
        assert delivery.due_at is not None  # noqa: S101 - for the type checker
        heapq.heappush(self._lines.setdefault(delivery.webhook_id, []), (delivery.due_at, delivery.number))

    def take(self, now: datetime) -> int | None:
        """Take the number of a delivery that is due; its webhook gets no other until it is freed."""
        next_of_all = min(((line[0], webhook) for webhook, line in self._free()), default=None)
        if next_of_all is None:
            return None
        (due_at, number), webhook = next_of_all
        if due_at > now:
            return None
        line = self._lines[webhook]
        heapq.heappop(line)
        if not line:
            del self._lines[webhook]
        self._busy.add(webhook)
        return number

    def free(self, webhook_id: str) -> None:
        self._busy.discard(webhook_id)

    def next_due(self) -> datetime | None:
        """Give when the next may be taken, as far as is known."""
        return min((line[0][0] for _, line in self._free()), default=None)

    def clear(self) -> None:
        self._lines.clear()

    def _free(self) -> list[tuple[str, list[tuple[datetime, int]]]]:
        return [(webhook, line) for webhook, line in self._lines.items() if webhook not in self._busy]
