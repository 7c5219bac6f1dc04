"""HOOKS_NOTIFY_OF_USAGE=https://…: posts what is used of both APIs when a threshold of usage is reached."""

from collections.abc import Callable

import httpx2

from clients.errors import ApiError, KeyMissing
from handlers import Context, Event, PermanentError, RetryLater, Router
from handlers.http_client import AskedToWait
from handlers.settings import HandlerSettings

router = Router()

_LONGEST_WAIT_SECONDS = 60


class NoticeNotSent(Exception):  # noqa: N818 - named for what happened
    """The notice could not be posted."""


@router.on("usage.threshold", retries=5, timeout=30, dry_run=True)
def notify_of_usage(event: Event, ctx: Context) -> None:
    chaozcode = _told(ctx, "chaozcode", lambda: _chaozcode(ctx))
    chucky = _told(ctx, "chucky", lambda: _chucky(ctx))
    reached = event.data.get("threshold")
    head = "A usage threshold is reached" + ("" if reached is None else f": {reached}")
    ctx.once("post", lambda: _post(ctx, f"{head}\nChaozCode: {chaozcode}\nChucky: {chucky}"))


def _chaozcode(ctx: Context) -> str:
    usage = ctx.chaozcode.user.usage()
    return f"{_figure(usage.api_calls)} of {_figure(usage.limit)} calls"


def _chucky(ctx: Context) -> str:
    usage = ctx.chucky.usage()
    ai, compute = usage.ai, usage.compute
    money = "" if ai is None else f"${ai.used_usd or 0:.2f} of ${ai.budget_usd or 0:.2f}"
    time = "" if compute is None else f"{_figure(compute.used)} of {_figure(compute.budget)} s"
    stopped = ", and takes no more prompts" if usage.allowed is False else ""
    return f"{', '.join(filter(None, (money, time)))} in this {usage.window or 'window'}{stopped}"


def _told(ctx: Context, step: str, read: Callable[[], str]) -> str:
    """Say what an API tells of its usage, or why it can't be told: the notice is sent all the same."""

    def tell() -> str:
        try:
            return read()
        except KeyMissing as error:
            return f"not known, as {error.variable} is not set"
        except ApiError as error:
            if not error.permanent and ctx.attempt <= 2 and (error.retry_after or 0) <= _LONGEST_WAIT_SECONDS:
                raise  # and be called again soon
            return f"not known ({type(error).__name__})"

    return ctx.once(step, tell)


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _post(ctx: Context, text: str) -> None:
    # The URL is a secret, in its path: no error, nor what a dry run tells, may hold it.
    secret = HandlerSettings().notify_of_usage
    if secret is None:
        raise PermanentError("HOOKS_NOTIFY_OF_USAGE is not set: give it the URL of an incoming webhook")
    url = httpx2.URL(secret.get_secret_value())
    if ctx.is_dry_run:
        url = httpx2.URL(f"{url.scheme}://{url.host}/")
    try:
        ctx.http.post(url, json={"text": text}).raise_for_status()
    except httpx2.HTTPStatusError as error:
        said = f"{url.host} answered {error.response.status_code}"
        if isinstance(error, AskedToWait):
            raise RetryLater(error.retry_after, said) from None
        if error.response.is_client_error:
            raise PermanentError(f"{said}: is the URL of HOOKS_NOTIFY_OF_USAGE still right?") from None
        raise NoticeNotSent(said) from None
    except httpx2.HTTPError as error:
        raise NoticeNotSent(f"{url.host}: {type(error).__name__}") from None
