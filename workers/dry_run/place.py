"""Where in the user's code an exception came from."""

import sysconfig
from pathlib import Path
from traceback import walk_tb
from typing import Final

import clients
import eventlog
import handlers
import workers
from eventlog.event import Event
from handlers import Context
from handlers.registration import HandlerFunction
from handlers.source import UNKNOWN
from handlers.storable import storable

_PLACE_LIMIT: Final = 500
_OURS: Final = tuple(
    str(Path(str(package.__file__)).parent) + "/" for package in (clients, eventlog, handlers, workers)
)
_USERS: Final = tuple(f"{Path(str(handlers.__file__)).parent}/{name}/" for name in ("builtin", "custom"))
_INSTALLED: Final = tuple(
    sysconfig.get_path(name) + "/" for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


class Place:
    """Notes the line of the user's code from which an exception came."""

    def __init__(self, function: HandlerFunction) -> None:
        self._function = function
        self.found = ""

    def watch(self, event: Event, context: Context) -> object:
        try:
            return self._function(event, context)
        except BaseException as error:
            frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)][1:]
            users = [(file, line) for file, line in frames if _is_users(file)] or frames[:1]
            file, line = users[-1] if users else (UNKNOWN, 0)
            self.found = storable(f"{file}:{line}", _PLACE_LIMIT)
            raise


def _is_users(file: str) -> bool:
    if file.startswith(_USERS):
        return True
    return not file.startswith((*_OURS, *_INSTALLED, "<"))
