"""`hooks up`: where everything embedded meets; start, watch, stop."""

import signal
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from types import FrameType

import click

from clients.settings import ApiSettings
from console.own_command import own_command
from console.settings import OutputSettings, TriggerSettings, UpSettings, environment_with
from console.up.fleet import Fleet
from console.up.home import URL_FILE, development_secret, hold_home
from console.up.reload import Reloader
from console.up.sandbox import listen_for_sandbox, sandbox_environment, sandbox_greeting
from console.up.tables import ensure_tables
from console.up.valkey import set_data_aside, valkey_command
from eventlog.settings import LogSettings
from handlers.settings import HandlerSettings
from receiver.port import PortTaken, require_port
from receiver.secret_settings import SECRET_FILE_VARIABLE
from receiver.settings import ReceiverSettings
from sandbox.port import SandboxPortTaken
from sandbox.settings import SandboxSettings
from workers.queue.settings import QueueSettings
from workers.settings import WorkerSettings


@click.command()
@click.option(
    "--reload", "reloads", is_flag=True, help="Take up handlers that are edited, between two events."
)
@click.option(
    "--sandbox/--no-sandbox",
    "with_sandbox",
    default=True,
    help="Run ChaozCode's and Chucky's APIs too, imitated; handlers call them where no key is set.",
)
def up(*, reloads: bool, with_sandbox: bool) -> None:
    """Run everything on this machine: receiver, worker, clock, sandbox, and the servers they need.

    Needs no configuration: what DATABASE_URL and REDIS_URL do not name is embedded, in the folder .hooks.
    A process that dies is started again. Ctrl-C stops it all.
    """
    OutputSettings(), HandlerSettings(), WorkerSettings()  # a wrong variable is told now, not by a child
    settings, log, queue, sandbox = UpSettings(), LogSettings(), QueueSettings(), SandboxSettings()
    with ExitStack() as held:
        held.enter_context(hold_home(log.home))
        listening: dict[str, int] = {}
        given = TriggerSettings()
        if not given.webhook_secret.get_secret_value() and given.secret_file is None:
            development_secret(log.home)
        secret_file = str(given.file_of_secret.absolute())
        # The receiver reads the secret itself, wherever it comes from, and so sees when it is changed there.
        receiver = ReceiverSettings.model_validate(
            {"HOOKS_HOST": settings.host, SECRET_FILE_VARIABLE: secret_file}
        )
        try:
            require_port(receiver.host, receiver.port)
            if with_sandbox:
                listening["sandbox"] = held.enter_context(listen_for_sandbox(sandbox)).fileno()
        except (PortTaken, SandboxPortTaken) as error:
            raise click.ClickException(str(error)) from error
        shown_host = "127.0.0.1" if receiver.host in ("0.0.0.0", "::") else receiver.host  # noqa: S104
        url = f"{receiver.scheme}://{shown_host}:{receiver.port}/webhooks/chaozcode"
        environment = environment_with(
            HOOKS_HOST=receiver.host,
            HOOKS_HOME=str(log.home.absolute()),
            HOOKS_LOG_FORMAT="json",
            **{SECRET_FILE_VARIABLE: secret_file},
        )
        if with_sandbox:
            environment |= sandbox_environment(sandbox, ApiSettings(), receiver_url=url)
        reloader = None
        if reloads:
            reload_file = log.home.absolute() / "reload"
            environment["HOOKS_RELOAD_FILE"] = str(reload_file)
            reloader = held.enter_context(closing(Reloader(reload_file, environment)))
        fleet = Fleet(
            environment,
            ready=lambda: _greet(url, log, queue, sandbox if with_sandbox else None),
            each_look=reloader.look if reloader else lambda: None,
            queue_workers=settings.queue_workers,
            listening=listening,
        )
        if not queue.redis_url:
            folder = log.home.absolute() / "valkey"
            fleet.add_server("valkey", valkey_command(folder, queue.socket), partial(set_data_aside, folder))
        _stop_on_signals(fleet)
        others = [*["worker"] * settings.workers, "clock", *(["sandbox"] if with_sandbox else [])]
        _run(fleet, log, others, log.home / URL_FILE, url)


def _run(fleet: Fleet, log: LogSettings, others: list[str], url_file: Path, url: str) -> None:
    fleet.start_servers()
    try:
        ensure_tables(log)
        fleet.start_processes("receiver", *others)
        url_file.write_text(url + "\n")
        failed = fleet.watch()
    finally:
        fleet.stop()
        url_file.unlink(missing_ok=True)
    if failed:
        raise click.exceptions.Exit(1)


def _stop_on_signals(fleet: Fleet) -> None:
    def told(_signal: int, _frame: FrameType | None) -> None:
        fleet.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, told)


def _greet(url: str, log: LogSettings, queue: QueueSettings, sandbox: SandboxSettings | None) -> None:
    command = own_command()
    where = "the database of DATABASE_URL" if log.database_url else f"SQLite, in {log.home}/"
    click.echo(
        f"""
chaozcode-hooks is up.

  webhook URL   {url}
  event log     {where}
  queue         {"the Redis of REDIS_URL" if queue.redis_url else f"Valkey, in {log.home}/"}
  sandbox       {sandbox.url if sandbox else "off"}

Send a first event from another terminal, and look at it:

  {command} trigger memory.stored
  {command} events list
{sandbox_greeting(sandbox) if sandbox else ""}
Ctrl-C stops everything. Each event is shown here as it is received, run and settled:
"""
    )
