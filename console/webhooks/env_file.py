"""Sets one variable in a `.env` file and leaves everything else in it as it is, to the byte."""

import io
import os
import re
import secrets
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from dotenv.parser import parse_stream

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/+=-]+")
_MODE: Final = 0o600


class EnvFileUnusable(Exception):  # noqa: N818 - named for what happened
    """The file can't be read or written."""


def read_variable(path: Path, name: str) -> str | None:
    """Give a variable's value, the last of several; None where it is not set, or empty."""
    return _value(_read(path), name)


def set_variable(path: Path, name: str, value: str) -> bool:
    """Set a variable and tell whether the file changed; the file is then replaced at once, with mode 0600.

    Where it is set several times all are changed, so that it does not matter which of them counts. Behind a
    symbolic link the file that it leads to is changed.
    """
    before = _read(path)
    after = _with_variable(before, name, value)
    if _value(after, name) != value:
        raise EnvFileUnusable(f"{path}: {name} can't be set there by a program; set it by hand")
    target = path.resolve()
    if after == before and target.exists() and target.stat().st_mode & 0o777 == _MODE:
        return False
    try:
        _replace(target, after.encode())
    except OSError as error:
        raise EnvFileUnusable(f"{path} can't be written: {error.strerror}") from error
    return True


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise EnvFileUnusable(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EnvFileUnusable(f"{path} is not UTF-8: byte {error.start} does not belong") from error


def _value(text: str, name: str) -> str | None:
    # As pydantic-settings reads it: names in any case, ${OTHER} replaced.
    found = [
        value for key, value in dotenv_values(stream=io.StringIO(text)).items() if key.lower() == name.lower()
    ]
    return found[-1] or None if found else None


def _with_variable(text: str, name: str, value: str) -> str:
    pieces, is_set = [], False
    for binding in parse_stream(io.StringIO(text, newline="")):
        piece = binding.original.string
        if not binding.error and binding.key is not None and binding.key.lower() == name.lower():
            piece, is_set = _changed(piece, value), True
        pieces.append(piece)
    if is_set:
        return "".join(pieces)
    line_end = "\r\n" if "\r\n" in text else "\n"
    gap = line_end if text and not text.endswith(("\n", "\r")) else ""
    return f"{text}{gap}{name}={_quoted(value)}{line_end}"


_LINE: Final = re.compile(
    r"""(?s)\A(?P<before>\s*(?:export[^\S\r\n]+)?'?[^=\s#']+'?)
    (?:(?P<equals>[^\S\r\n]*=[^\S\r\n]*)(?P<value>'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|[^\r\n]*?))?
    (?P<after>[^\S\r\n]*(?:(?<=\s)\#[^\r\n]*)?(?:\r\n|\n|\r)?)\Z""",
    re.VERBOSE,
)


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\\" not in value:
        return f"'{value}'"  # which a shell reads alike
    return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def _changed(piece: str, value: str) -> str:
    found = _LINE.match(piece)
    if found is None:
        raise EnvFileUnusable("a line of .env is written in an unusual way; set the variable by hand")
    return f"{found['before']}{found['equals'] or '='}{_quoted(value)}{found['after']}"


def _replace(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if target.exists():
                _keep_owner(descriptor, target.stat())
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep_owner(descriptor: int, before: os.stat_result) -> None:
    # Written by root for a receiver that is not: it must be able to read its file afterwards too.
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(descriptor, before.st_uid, before.st_gid)
