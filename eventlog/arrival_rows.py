"""What acceptance writes of a batch, in the order of the columns; driver-level SQL takes it as it is."""

from collections.abc import Mapping
from dataclasses import dataclass

EventRow = tuple[str, str, str | None, int | None, int, bytes, int]
"""Id, type, subject, created_at, received_at, body_sha256, seen."""

BodyRow = tuple[int, bytes, int, bytes]
"""Event_seq, sha256, received_at, body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Which events of a batch were new, and which the log had."""

    new: Mapping[str, int]
    """Seqs by id."""
    known: Mapping[str, tuple[int, bytes]]
    """Seqs and digests of the first bodies, by id."""

    def seq_of(self, event_id: str) -> int:
        return self.new[event_id] if event_id in self.new else self.known[event_id][0]
