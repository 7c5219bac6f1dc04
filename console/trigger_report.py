"""What `hooks trigger` tells: a line for each event, or a bar and a summary for many."""

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from console.visible import visible_line
from sandbox.pace import Sent
from sandbox.sender import NoReply, Reply

LINES_AT_MOST: Final = 20
"""From one more on, a line each would be too much to read."""
_SAID_AT_MOST: Final = 200


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came back so far."""

    wanted: Collection[int]
    """The statuses that are good."""
    answered: int = 0
    unwanted: int = 0
    said: dict[str, list[str]] = field(default_factory=dict)
    """Each distinct answer with the ids of the events that got it."""
    milliseconds: list[float] = field(default_factory=list)

    def add(self, sent: Sent) -> None:
        if isinstance(sent.reply, Reply):
            self.answered += 1
            self.milliseconds.append(sent.reply.seconds * 1000)
        self.unwanted += not self.is_wanted(sent)
        self.said.setdefault(_answer(sent.reply), []).append(sent.event_id)

    def is_wanted(self, sent: Sent) -> bool:
        return isinstance(sent.reply, Reply) and sent.reply.status in self.wanted


class NothingListens(click.ClickException):
    """The very first connection was refused."""


def follow(all_sent: Iterator[Sent], tally: Tally, *, event_type: str, sends: int, url: str) -> None:
    """Tell of each event as it is sent. Raises `NothingListens` if not one could be."""
    with _bar(shown=sends > LINES_AT_MOST) as bar:
        task = bar.add_task("sending", total=sends)
        for sent in all_sent:
            if isinstance(sent.reply, NoReply) and sent.reply.is_refused and not tally.answered:
                raise NothingListens(
                    f"nothing listens at {url} ({sent.reply.reason}); is `hooks up` running?"
                )
            tally.add(sent)
            bar.advance(task)
            if sends <= LINES_AT_MOST:
                click.echo(_line(sent, event_type))


def summary(tally: Tally, *, seconds: float) -> Iterator[str]:
    """Word what came back, in a few lines."""
    total = sum(len(ids) for ids in tally.said.values())
    times = sorted(tally.milliseconds)
    pace = f"{total} sent in {seconds:.1f} s, {total / max(seconds, 1e-9):,.0f} a second"
    yield f"{pace}; p50 {_share(times, 0.5)}, p99 {_share(times, 0.99)}" if times else pace
    for answer, ids in sorted(tally.said.items(), key=lambda item: -len(item[1])):
        example = "" if answer[:3] in map(str, tally.wanted) else f" (such as {ids[0]})"
        yield f"  {len(ids):>{len(str(total))}} x {answer}{example}"


def _line(sent: Sent, event_type: str) -> str:
    took = f"{sent.reply.seconds * 1000:.1f} ms"
    return f"{_answer(sent.reply)}  {visible_line(sent.event_id)}  {visible_line(event_type)}  {took}"


def _answer(reply: Reply | NoReply) -> str:
    """Say the status and what the receiver said of it."""
    if isinstance(reply, NoReply):
        return f"no answer: {visible_line(reply.reason)}"
    return f"{reply.status} {visible_line(_said(reply.body))}".rstrip()


def _said(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()[:_SAID_AT_MOST]
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return text
    match said:
        case {"status": str(status)}:
            return status
        case {"error": {"code": str(code), "message": str(message)}}:
            return f"{code}: {message}"
    return text


def _share(times: list[float], share: float) -> str:
    """Give the time within which this share of all answers came."""
    return f"{times[max(0, math.ceil(len(times) * share) - 1)]:.1f} ms"


def _bar(*, shown: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
