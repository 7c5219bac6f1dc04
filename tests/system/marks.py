"""A module of handlers for system tests: each run leaves a mark in a file, however the process ends."""

MODULE = """
import os
from pathlib import Path

from handlers import Context, Event, Router, exponential

router = Router()
MARKS = Path({path!r})


@router.on("*", retries=8, backoff=exponential(0.2, cap=2))
def mark(event: Event, ctx: Context) -> None:
    with MARKS.open("a") as file:
        file.write(f"{{event.id}} {{ctx.attempt}} {{os.getpid()}}\\n")
"""
