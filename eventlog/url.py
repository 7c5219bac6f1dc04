"""Which kinds of database URL there are; told without loading a database's driver."""

import re
from typing import Final, Literal

from eventlog.errors import InvalidDatabaseUrl

_HOST_AND_PORT: Final = re.compile(r"(\[[^]/?]+\]|[^]/:?[]*)(:\d*)?(?=[/?]|$)")
_HOW: Final = "write sqlite:///path/to/file.db or postgresql://user:password@host/name"


def kind_of(url: str) -> Literal["sqlite", "postgresql"]:
    """Tell which kind of database a URL names, in the forms that hosts hand out (`postgres://` too).

    Raises `InvalidDatabaseUrl`, whose words never repeat the URL: it may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if not separator or not kind.isidentifier() or not _HOST_AND_PORT.match(rest.rpartition("@")[2]):
        raise InvalidDatabaseUrl(f"this is no database URL; {_HOW}")
    if kind in ("postgres", "postgresql"):
        return "postgresql"
    if kind != "sqlite":
        raise InvalidDatabaseUrl(f"{kind} is not supported; {_HOW}")
    return "sqlite"
