"""`hooks handlers new NAME --on PATTERN`: write a handler, and a test for it that passes."""

import keyword
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from console.handlers.place import Place, place_here
from console.handlers.sample import sample_type
from console.handlers.scaffold import text_of_handler, text_of_test
from console.own_command import own_command
from handlers.discovery import discover
from handlers.errors import HandlerError, InvalidPattern
from handlers.pattern import check, knows, misspelt
from handlers.settings import HandlerSettings

_LONGEST_NAME: Final = 100
_TAKEN: Final = frozenset(
    (
        "Context",
        "Event",
        "Router",
        "Succeeded",
        "ctx",
        "data",
        "event",
        "make_event",
        "result",
        "router",
        "run",
    )
)
"""What the files that are written name otherwise."""


@click.command("new")
@click.argument("name")
@click.option(
    "--on", "patterns", metavar="PATTERN", multiple=True, required=True, help="What it listens for."
)
@click.option(
    "--undocumented", is_flag=True, help="The pattern is right, though no type is documented for it."
)
def new_handler(*, name: str, patterns: tuple[str, ...], undocumented: bool) -> None:
    """Write a handler, and a test for it that passes; --on can be given several times.

    They go into handlers/custom/ where that is in this folder, else into hooks_handlers/.
    """
    patterns = tuple(dict.fromkeys(patterns))
    _require_name(name)
    _require_patterns(patterns, undocumented=undocumented)
    _require_no_clash(name)
    place = place_here()
    handler, test = place.folder / f"{name}.py", place.folder / f"test_{name}.py"
    texts = {
        handler: text_of_handler(name, patterns, undocumented=undocumented),
        test: text_of_test(name, patterns),
    }
    _require_free(texts)
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        (place.folder / "__init__.py").touch()
        for file, text in texts.items():
            with file.open("x", encoding="utf-8") as new:
                new.write(text)
    except OSError as error:
        raise click.ClickException(f"{error.filename} can't be written: {error.strerror}") from error
    click.echo("\n".join(_what_next(patterns, place, handler, test)))


def _require_name(name: str) -> None:
    if (
        not (name.isascii() and name.isidentifier())
        or keyword.iskeyword(name)
        or keyword.issoftkeyword(name)
        or name in _TAKEN
        or name.startswith(("_", "test_"))
        or len(name) > _LONGEST_NAME
    ):
        raise click.UsageError(
            f"{name!r} can't name a handler here, as its function and file are named so too: give up to"
            f" {_LONGEST_NAME} letters, digits and '_', such as store_summary, no word of Python's or of"
            " the handler's file, and nothing that begins with '_' or 'test_'"
        )


def _require_patterns(patterns: Sequence[str], *, undocumented: bool) -> None:
    for pattern in patterns:
        try:
            check(pattern)
        except InvalidPattern as error:
            raise click.UsageError(str(error)) from error
        if undocumented or knows(pattern):
            continue
        if meant := misspelt(pattern):
            raise click.UsageError(
                f"no event type that ChaozCode documents matches {pattern!r}: did you mean {meant!r}? "
                "If it is right, add --undocumented"
            )
        click.echo(f"warning: no event type that ChaozCode documents matches {pattern!r}", err=True)


def _require_no_clash(name: str) -> None:
    try:
        known = discover(HandlerSettings()).handlers
    except HandlerError:
        return  # what is wrong with others is told by all other commands
    for handler in known:
        if handler.name == name:
            raise click.ClickException(
                f"a handler named {name!r} is registered already, at {handler.source}: choose another name"
            )


def _require_free(files: Iterable[Path]) -> None:
    for file in files:
        if file.exists():
            raise click.ClickException(
                f"{file} is there already, and nothing was written: choose another name, or move it away"
            )


def _what_next(patterns: Sequence[str], place: Place, handler: Path, test: Path) -> Iterator[str]:
    yield f"Wrote {handler}, and {test}, which passes."
    yield ""
    modules = HandlerSettings().modules
    if place.package is not None and place.package not in modules:
        yield "Say once, in the file .env or in the environment, that handlers are to be found there:"
        yield ""
        yield f"  HOOKS_HANDLERS={','.join((*modules, place.package))}"
        yield ""
    yield "Change them as you like, run the test, and send the handler an event:"
    yield ""
    if find_spec("pytest") is None:
        yield "  make dev" if place.package is None else "  pip install pytest"
    yield f"  {own_command('pytest')} {test}"
    yield f"  {own_command()} up --reload"
    yield f"  {own_command()} trigger {sample_type(patterns)}"
