"""Proves that a webhook works: its test event arrives, signed with a secret that the receiver accepts."""

from collections.abc import Callable, Sequence

from clients.chaozcode.webhooks import Webhooks
from console.own_command import own_command
from console.visible import visible_line
from console.webhooks.changeover import ChangeStopped
from console.webhooks.round_trip import RoundTrip, make_round_trip
from console.webhooks.secret_place import Say
from eventlog.arrival_watch import ArrivalWatch
from eventlog.database import EventLog
from eventlog.rejects import Reject


def prove_with(
    webhooks: Webhooks, log: EventLog, *, within_seconds: float, say: Say
) -> Callable[[str], None]:
    """Give what sends a webhook's test event, and waits until it is in this log."""

    def prove(webhook_id: str) -> None:
        trip = make_round_trip(
            ArrivalWatch(log),
            lambda: webhooks.test(webhook_id).raw,
            not_the_event=webhook_id,
            within_seconds=within_seconds,
        )
        if not trip.is_proved:
            raise ChangeStopped(_what_is_wrong(trip))
        say(_what_came(trip))

    return prove


def only_send(webhooks: Webhooks, *, say: Say) -> Callable[[str], None]:
    """Give what sends a webhook's test event where its arrival can't be seen from here."""

    def prove(webhook_id: str) -> None:
        webhooks.test(webhook_id)
        say(
            "ChaozCode was asked for a test event; whether it arrived is seen where the receiver runs:"
            " hooks events list"
        )

    return prove


def _what_came(trip: RoundTrip) -> str:
    took = f"after {trip.seconds * 1000:.0f} ms"
    if trip.arrival is None:
        assert trip.unusable is not None  # noqa: S101 - for the type checker
        return (
            f"the test request arrived {took} with a right signature; it is no event as documented"
            f" ({visible_line(trip.unusable.reason)}), so it was not stored"
        )
    again = ", which was known before" if trip.arrival.is_again else ""
    doubt = "" if trip.is_certain else "; the API does not name its test event, so it may have been another"
    named = f"{visible_line(trip.arrival.id)} ({visible_line(trip.arrival.type)}{again})"
    return f"the test event arrived {took}: {named}{doubt}"


def _what_is_wrong(trip: RoundTrip) -> str:
    took = f"{trip.seconds:.0f} s"
    if trip.refused:
        return f"the test event was not taken: {_worded(trip.refused)}"
    return (
        f"the test event did not arrive within {took}: is this the log of the receiver at that URL"
        f" (DATABASE_URL), and does it run? {own_command()} doctor tells; then run the command again"
    )


def _worded(refused: Sequence[Reject]) -> str:
    newest = refused[0]
    others = f" (and {len(refused) - 1:,} more)" if len(refused) > 1 else ""
    return (
        f"a request was refused with {newest.status}, {newest.reason}{others};"
        f" see: {own_command()} rejects explain {newest.id}"
    )
