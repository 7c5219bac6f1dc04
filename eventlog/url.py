"""Which kinds of database URL there are; told without loading a database's driver."""

from typing import Final, Literal

from eventlog.errors import InvalidDatabaseUrl

_HOW: Final = "write sqlite:///path/to/file.db or postgresql://user:password@host/name"


def kind_of(url: str) -> Literal["sqlite", "postgresql"]:
    """Tell which kind of database a URL names, in the forms that hosts hand out (`postgres://` too).

    Raises `InvalidDatabaseUrl`, whose words never repeat the URL: it may hold a password.
    """
    scheme, separator, _ = url.partition("://")
    kind = scheme.partition("+")[0]
    if not separator or not kind.isidentifier():
        raise InvalidDatabaseUrl(f"this is no database URL; {_HOW}")
    if kind in ("postgres", "postgresql"):
        return "postgresql"
    if kind != "sqlite":
        raise InvalidDatabaseUrl(f"{kind} is not supported; {_HOW}")
    return "sqlite"
