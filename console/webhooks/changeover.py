"""Registers a webhook, or replaces one by another with a new secret, so that no event is refused meanwhile.

Each step can be interrupted: the next run learns from the journal, the secrets and the list of webhooks what
was done, and goes on there. Events are accepted throughout, because a secret is accepted before there is a
webhook that signs with it, and until after the last one that did is gone.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from clients.chaozcode.errors import Conflict, NotFound
from clients.chaozcode.webhooks import Webhooks
from clients.errors import MalformedReply, ReplyLost
from console.webhooks.journal import Change, Journal
from console.webhooks.registered import ids_at, registered
from console.webhooks.secret_place import Say, SecretPlace, fingerprint, new_secret

_LISTED_WITHIN_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.5


class ChangeStopped(Exception):  # noqa: N818 - named for what happened
    """The change can't go on; to run the same command again goes on where it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a change does beyond the API; each raises `ChangeStopped`."""

    await_acceptance: Callable[[str], None]
    """Wait until the receiver accepts a secret."""
    prove: Callable[[str], None]
    """Have a webhook's test event arrive; takes its id."""
    let_arrive: Callable[[], None]
    """Wait for events that were under way when the old webhook went."""


class Changeover:
    """One URL's webhook, being made or replaced."""

    def __init__(
        self,
        webhooks: Webhooks,
        place: SecretPlace,
        journal: Journal,
        steps: Steps,
        *,
        say: Say,
        also_needed: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`also_needed` are the fingerprints of secrets that others than the API's webhooks sign with."""
        self._webhooks = webhooks
        self._place = place
        self._journal = journal
        self._steps = steps
        self._say = say
        self._also_needed = frozenset(also_needed)
        self._sleep = sleep

    def run(self, change: Change) -> Change:
        """Carry a change out, from wherever it stands."""
        change, secret = self.place_secret(change)
        if secret is not None:
            self._steps.await_acceptance(secret)
            self._say("the receiver accepts the new secret")
        change = self._make(change, secret)
        assert change.made is not None  # noqa: S101 - for the type checker
        self._steps.prove(change.made)
        change = self._delete_old(change)
        if change.old:
            self._steps.let_arrive()
            self._take_out_old_secrets(change, secret)
        self._journal.finish(change)
        return change

    def place_secret(self, change: Change) -> tuple[Change, str | None]:
        """Have a new secret accepted beside the others, and give it; None where only another host has it."""
        known = self._place.read()
        secret = next((each for each in known or () if fingerprint(each) == change.secret), None)
        made = self._made(change)
        if secret is not None or (made is not None and known is None):
            return change, secret
        if made is not None:
            # Its secret is gone, so that nothing it sends can be accepted.
            change = replace(change, made=None, old=(*change.old, made))
        secret = new_secret()
        change = self._journal.note(replace(change, secret=fingerprint(secret)))
        self._place.write((secret, *(known or ())))
        if self._place.is_ours:
            self._say(
                "a new secret is in .env, beside those that were there" if known else "a secret is in .env"
            )
        return change, secret

    def _made(self, change: Change) -> str | None:
        """Find the new webhook, if there is one: also when an answer with its id never came."""
        here = ids_at(self._webhooks, change.url)
        if change.made in here:
            return change.made
        return next((found for found in here if found not in change.old), None)

    def _make(self, change: Change, secret: str | None) -> Change:
        if (made := self._made(change)) is not None:
            return self._journal.note(replace(change, made=made))
        if secret is None:
            raise ChangeStopped("the new secret is not known here any more; run the command again")
        try:
            made = self._create(change, secret)
        except Conflict as error:
            if not change.old:
                raise ChangeStopped(
                    "ChaozCode says that there is a webhook for this URL (409) and does not list it;"
                    " delete it in ChaozCode's dashboard"
                ) from error
            change = self._journal.note(replace(change, has_gap=True))
            self._delete(change.old)
            made = self._create(change, secret)
        if change.has_gap:
            self._say(
                "ChaozCode takes one webhook for a URL, so the old one was deleted before the new one was"
                " made: what happened between the two was not sent; look for it at ChaozCode"
            )
        self._say(f"the webhook {made} is registered")
        return self._journal.note(replace(change, made=made))

    def _create(self, change: Change, secret: str) -> str:
        try:
            named = self._webhooks.create(change.url, change.events, secret=secret).id
        except (MalformedReply, ReplyLost):
            if (made := self._made(change)) is None:
                raise
            return made  # it was carried out all the same
        # What the list says comes first: the reply's id may be one of the request.
        return self._made(replace(change, made=named)) or named or self._listed(change)

    def _listed(self, change: Change) -> str:
        waited = 0.0
        while (made := self._made(change)) is None and waited < _LISTED_WITHIN_SECONDS:
            self._sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS
        if made is None and change.old:
            # It was accepted, and nothing is new: the one that was there has the new secret now.
            made = next(iter(ids_at(self._webhooks, change.url)), None)
        if made is None:
            raise ChangeStopped(
                "ChaozCode took the webhook and does not list it; look at: hooks webhooks list"
            )
        return made

    def _delete_old(self, change: Change) -> Change:
        # Those that an attempt at making it left behind sign with the new secret, and send all twice.
        all_here = dict.fromkeys((*change.old, *ids_at(self._webhooks, change.url)))
        old = tuple(each for each in all_here if each != change.made)
        self._delete(old)
        if old and not change.has_gap:
            which = "old" if change.old else "superfluous"
            self._say(
                f"the {which} webhook is deleted"
                if len(old) == 1
                else f"{len(old)} {which} webhooks are deleted"
            )
        return change

    def _delete(self, ids: Collection[str]) -> None:
        for webhook_id in ids:
            try:
                self._webhooks.delete(webhook_id)
            except NotFound:
                continue  # by an earlier run

    def _take_out_old_secrets(self, change: Change, secret: str | None) -> None:
        secrets = self._place.read()
        if secrets is None:
            self._say("now take the old secret out where the receiver runs")
            return
        if secret is None:
            return
        outdated, needed = self._judge(
            change, {fingerprint(each) for each in secrets} - {change.secret or ""}
        )
        kept = tuple(each for each in secrets if fingerprint(each) not in outdated)
        if any(fingerprint(each) not in needed for each in kept[1:]):
            self._say(
                "older secrets stay accepted too: there are webhooks that were not made here, and may sign"
                " with them; take them out by hand once none does"
            )
        if kept != secrets:
            self._place.write(kept)
            if self._place.is_ours:
                self._say("the old secret is not accepted any more")

    def _judge(self, change: Change, others: set[str]) -> tuple[set[str], set[str]]:
        """Tell of the other secrets which no webhook signs with any more, and which one surely does."""
        of_webhooks = self._journal.secrets_by_webhook()
        living = {webhook.id for webhook in registered(self._webhooks) if webhook.id} - {change.made}
        needed = {of_webhooks[each] for each in living if each in of_webhooks}
        needed |= self._journal.secrets_elsewhere(but=change.url) | self._also_needed
        if living <= of_webhooks.keys():
            return others - needed, needed
        # Those not made here may sign with any: only what is on record as the old one's may go.
        of_old = {of_webhooks[each] for each in change.old if each in of_webhooks}
        return (of_old & others) - needed, needed
