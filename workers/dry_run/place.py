"""Where in the user's code an exception came from."""

from traceback import walk_tb
from typing import Final

from eventlog.event import Event
from handlers import Context
from handlers.ownership import is_the_users
from handlers.registration import HandlerFunction
from handlers.source import UNKNOWN
from handlers.storable import storable

_PLACE_LIMIT: Final = 500


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
            users = [(file, line) for file, line in frames if is_the_users(file)] or frames[:1]
            file, line = users[-1] if users else (UNKNOWN, 0)
            self.found = storable(f"{file}:{line}", _PLACE_LIMIT)
            raise
