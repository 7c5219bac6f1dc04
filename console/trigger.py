"""`hooks trigger`: sign and send sample events, as ChaozCode would."""

import random
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import click
import httpx2

from console.json_text import JsonText
from console.settings import TriggerSettings
from console.trigger_report import LINES_AT_MOST, Tally, follow, summary
from eventlog.event import KNOWN_TYPES
from sandbox.pace import Sent, send_many
from sandbox.samples import event_body, new_event_id, sample_data
from sandbox.sender import Sender

_ONE_CONNECTION_UPTO: Final = 50
_CONNECTIONS: Final = 8


@click.command("trigger")
@click.argument("event_type", metavar="TYPE")
@click.option("--data", type=JsonText(), help="The event's data, instead of a sample's; @- reads stdin.")
@click.option("--id", "event_id", help="The event's id, instead of a new one.")
@click.option("--count", type=click.IntRange(min=1), default=1, help="How many events to send.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most so many a second.")
@click.option("--duplicate", is_flag=True, help="Send each event twice, with the same bytes.")
@click.option("--bad-signature", is_flag=True, help="Sign with a wrong secret: all must be refused.")
@click.option("--url", help="Where to send to, instead of the receiver on this machine.")
def trigger(
    event_type: str,
    *,
    data: str | None,
    event_id: str | None,
    count: int,
    rate: float | None,
    duplicate: bool,
    bad_signature: bool,
    url: str | None,
) -> None:
    """Sign and send a sample event of TYPE, such as memory.stored, as ChaozCode would.

    The secret is the first of CHAOZCODE_WEBHOOK_SECRET, or the one that `hooks up` made.
    """
    if event_id is not None and count > 1:
        raise click.UsageError(
            "--id with --count would send one event several times; --duplicate sends each event twice"
        )
    settings = TriggerSettings()
    target = _usable(settings.url if url is None else url)
    secret = secrets.token_bytes(32) if bad_signature else _secret(settings)
    if event_type not in KNOWN_TYPES:
        documented = ", ".join(KNOWN_TYPES)
        click.echo(f"note: ChaozCode documents no type {event_type!r}, only {documented}", err=True)

    tally = Tally(wanted=(401,) if bad_signature else (200, 202))
    begun = time.perf_counter()
    with Sender(target, secret, clock=time.perf_counter, own_certificate=settings.tls_cert) as sender:
        all_sent = send_many(
            count,
            _sending(sender, event_type, event_id=event_id, data=data, copies=2 if duplicate else 1),
            rate=rate,
            threads=_CONNECTIONS if count > _ONE_CONNECTION_UPTO else 1,
            clock=time.perf_counter,
        )
        sends = count * 2 if duplicate else count
        try:
            follow(all_sent, tally, event_type=event_type, sends=sends, url=target)
        finally:
            all_sent.close()
            if sends > LINES_AT_MOST and tally.said:
                click.echo("\n".join(summary(tally, seconds=time.perf_counter() - begun)))
    if tally.unwanted:
        raise click.exceptions.Exit(1)
    if bad_signature:
        click.echo("refused, as it should be")


def _sending(
    sender: Sender, event_type: str, *, event_id: str | None, data: str | None, copies: int
) -> Callable[[int], list[Sent]]:
    chance = random.SystemRandom()

    def send(_place: int) -> list[Sent]:
        this_id = new_event_id(chance) if event_id is None else event_id
        body = event_body(
            event_type,
            event_id=this_id,
            created_at=datetime.now(UTC),
            data=sample_data(event_type) if data is None else data,
        )
        return [Sent(event_id=this_id, reply=sender.send(body)) for _ in range(copies)]

    return send


def _secret(settings: TriggerSettings) -> bytes:
    if settings.secret is None:
        raise click.ClickException(
            "there is no secret to sign with: set CHAOZCODE_WEBHOOK_SECRET, or start `hooks up`,"
            f" which makes one and keeps it in {settings.file_of_secret}"
        )
    return settings.secret


def _usable(url: str) -> str:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise click.UsageError(f"--url {url!r} can't be used: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise click.UsageError(
            f"--url {url!r} can't be used: write http://host:port/path or https://host/path"
        )
    return url
