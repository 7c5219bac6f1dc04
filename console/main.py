"""The `hooks` command: finds the subcommand's module, loads only that one, and words its errors."""

import importlib
import sys
from typing import Final

import click
from pydantic import ValidationError

from console.own_packages import require_own_packages
from console.wording import settings_errors
from eventlog.errors import InvalidDatabaseUrl, LogError

_COMMANDS: Final = {
    "up": ("console.up.command", "Run everything on this machine, with nothing to configure."),
    "trigger": ("console.trigger", "Sign and send a sample event, as ChaozCode would."),
    "events": ("console.events", "Look at the events in the log, retry and resolve them."),
    "replay": ("console.replay", "Run stored events through their handlers again."),
    "replays": ("console.replays", "List, show and cancel replays."),
    "failures": ("console.failures", "Look at what goes wrong, grouped by its cause."),
    "rejects": ("console.rejects", "Look at refused requests, explain them, take them in."),
    "webhooks": ("console.webhooks", "Register, list, test and rotate webhooks at ChaozCode."),
    "handlers": ("console.handlers", "Look at the registered handlers, write a new one."),
    "doctor": ("console.doctor", "Check that everything works and nothing accepted is stranded."),
    "receiver": ("console.processes", "Run the webhook receiver."),
    "worker": ("console.processes", "Run a worker."),
    "clock": ("console.processes", "Run the clock: retries, lost jobs and replays."),
    "sandbox": ("console.sandbox", "Run ChaozCode's and Chucky's APIs, imitated on this machine."),
    "db": ("console.db", "Manage the event log's tables."),
}
"""Each command's module, which holds it under its own name, and what it is for."""

_LOAD_HANDLERS: Final = ("up", "replay", "handlers", "doctor", "worker")


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        if cmd_name in _LOAD_HANDLERS:
            require_own_packages()
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - for the type checker
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, purpose) for name, (_, purpose) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chaozcode-hooks", prog_name="hooks")
def hooks() -> None:
    """Receive ChaozCode webhooks, run your handlers on them, look at what happened, and replay it.

    Exit codes: 0 done, 1 it failed, 2 wrong usage.
    """


def main() -> None:
    """Run the command; known errors end in one clear line, not in a traceback."""
    try:
        # Outside standalone mode click returns the code of an Exit instead of raising it.
        sys.exit(hooks.main(prog_name="hooks", standalone_mode=False) or 0)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ValidationError as error:
        for line in settings_errors(error):
            click.echo(f"hooks: {line}", err=True)
        sys.exit(2)
    except InvalidDatabaseUrl as error:
        click.echo(f"hooks: DATABASE_URL: {error}", err=True)
        sys.exit(2)
    except LogError as error:
        click.echo(f"hooks: {error}", err=True)
        sys.exit(1)
