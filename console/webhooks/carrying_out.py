"""Puts a webhook's change together from a command's options, checks it, and carries it out."""

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import click

from console.log import open_log
from console.settings import TriggerSettings, secrets_in_environment
from console.webhooks.account import Account
from console.webhooks.changeover import Changeover, ChangeStopped, Steps
from console.webhooks.journal import Change, Journal
from console.webhooks.probe import ReceiverProbe, Verdict
from console.webhooks.proof import only_send, prove_with
from console.webhooks.registered import ids_at, is_same_url
from console.webhooks.secret_place import EnvFilePlace, PrintedPlace, Say, SecretPlace, fingerprint
from console.webhooks.target import require_callable
from eventlog.settings import LogSettings
from receiver.secret_settings import SECRET_VARIABLE
from sandbox.settings import SandboxSettings

_TAKEN_UP_SECONDS: Final = 15.0
_BY_HAND_SECONDS: Final = 900.0
_ARRIVE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for."""

    prints: bool
    """The receiver runs on another host: the secret is printed for it."""
    checks: bool
    """Whether the URL has to answer from here."""
    settle_seconds: float


def journal_of(account: Account) -> Journal:
    return Journal(TriggerSettings().home, account.api_url)


def require_url(account: Account, url: str, options: Options) -> None:
    """Check whether ChaozCode could call the URL; raises `click.ClickException` with what to do."""
    require_callable(url, api_is_here=account.is_here, look_up_names=options.checks)


def interrupted(
    account: Account, journal: Journal, url: str, events: tuple[str, ...] | None
) -> Change | None:
    """Give the change of this URL that was begun and not ended, to end with the events asked for now."""
    change = journal.change_of(url)
    if change is None or events is None or set(events) == set(change.events):
        return change
    # Whatever was made for other events goes with the old ones.
    old = tuple(dict.fromkeys((*change.old, *ids_at(account.client.webhooks, url))))
    return journal.note(replace(change, events=events, old=old, made=None))


def carry_out(account: Account, journal: Journal, change: Change, options: Options) -> Change:
    """See that the URL answers and carry the change out; raises `click.ClickException` with what to do."""
    settings = TriggerSettings()
    say: Say = partial(click.echo, err=options.prints)
    place = _place(options, settings, say)
    is_local = not options.prints and not options.checks
    probe = ReceiverProbe(settings.url if is_local else change.url, own_certificate=settings.tls_cert)
    with ExitStack() as stack:
        if options.prints and not LogSettings().database_url:
            prove = only_send(account.client.webhooks, say=say)
        else:
            log = stack.enter_context(closing(open_log()))
            prove = prove_with(account.client.webhooks, log, within_seconds=_ARRIVE_SECONDS, say=say)
        steps = Steps(
            await_acceptance=partial(_await_acceptance, probe, place, options),
            prove=prove,
            let_arrive=lambda: time.sleep(options.settle_seconds),
        )
        changeover = Changeover(
            account.client.webhooks,
            place,
            journal,
            steps,
            say=say,
            also_needed=_of_sandbox(account, settings),
        )
        if options.checks and (fault := probe.fault()) is not None:
            raise click.ClickException(_unreachable(fault, changeover, change, place))
        return changeover.run(change)


def _of_sandbox(account: Account, settings: TriggerSettings) -> tuple[str, ...]:
    """Give the fingerprint of what the sandbox of `hooks up` signs with: no other API lists its webhooks."""
    if settings.made_by_up is None or is_same_url(account.api_url, f"{SandboxSettings().url}/v2"):
        return ()
    return (fingerprint(settings.made_by_up),)


def _place(options: Options, settings: TriggerSettings, say: Say) -> SecretPlace:
    if options.prints:
        return PrintedPlace(None, out=click.echo, say=say)
    if given := secrets_in_environment():
        say(f"{SECRET_VARIABLE} is set in the environment, which wins over .env: it is to be set there")
        return PrintedPlace(given, out=click.echo, say=say)
    return EnvFilePlace(settings.made_by_up)


def _unreachable(fault: str, changeover: Changeover, change: Change, place: SecretPlace) -> str:
    if place.is_ours and not place.read():
        # Without a secret no receiver starts, and without a receiver nothing can be registered.
        changeover.place_secret(change)
        return f"{fault}. The receiver has its secret now, in .env: start it, then run this again"
    return f"{fault}. Nothing was changed; start the receiver, see that it is reached (or say --no-check)"


def _await_acceptance(probe: ReceiverProbe, place: SecretPlace, options: Options, secret: str) -> None:
    within = _TAKEN_UP_SECONDS if place.is_ours else _BY_HAND_SECONDS
    if not place.is_ours and not probe.accepts(secret):
        click.echo(f"waiting until {probe.url} accepts it ...", err=options.prints)
    answered = probe.wait_until_accepted(secret, within_seconds=within)
    if answered.verdict is Verdict.ACCEPTED:
        return
    if answered.verdict is Verdict.NO_RECEIVER:
        raise ChangeStopped(f"{answered.reason}; run the command again")
    if place.is_ours:
        raise ChangeStopped(
            f"the receiver at {probe.url} does not take up the secret in {Path('.env').absolute()}. Where it"
            f" has {SECRET_VARIABLE} in its environment, set that to the same here; where it runs in another"
            " folder or on another host, use --print; then run the command again"
        )
    raise ChangeStopped(
        f"the receiver at {probe.url} still does not accept the new secret; once it does, run the command"
        f" again with {SECRET_VARIABLE} set here to the same"
    )
