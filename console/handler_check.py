"""`python -m console.handler_check`: load the handlers as a worker would, and say which files that took.

Started by `hooks up --reload`, in a process of its own: what handlers do while they load is done there.
"""

import json
import sys
from contextlib import redirect_stdout

from pydantic import ValidationError

from console.wording import settings_errors
from handlers.discovery import discover
from handlers.errors import HandlerError
from handlers.files import handler_folders, loaded_files
from handlers.settings import HandlerSettings


def _main() -> None:
    sys.dont_write_bytecode = True  # an edit within one second and of one length would go unseen
    error, folders = None, []
    try:
        settings = HandlerSettings()
        folders = list(map(str, handler_folders(settings)))
        with redirect_stdout(sys.stderr):
            discover(settings)
        folders = list(map(str, handler_folders(settings)))
    except HandlerError as found:
        error = str(found)
    except ValidationError as found:
        error = "; ".join(settings_errors(found))
    json.dump({"error": error, "files": list(map(str, loaded_files())), "folders": folders}, sys.stdout)


if __name__ == "__main__":
    _main()
