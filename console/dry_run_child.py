"""`python -m console.dry_run_child FD`: the process of a dry run, started by `hooks replay` only."""

import sys

from pydantic import ValidationError

from console.logs import configure_logs
from console.settings import OutputSettings
from console.wording import settings_errors
from eventlog.errors import LogError
from handlers.errors import HandlerError
from workers.dry_run.child import serve


def _main() -> int:
    try:
        configure_logs(OutputSettings())
        serve(int(sys.argv[1]))
    except ValidationError as error:
        print(*(f"hooks: {line}" for line in settings_errors(error)), sep="\n", file=sys.stderr)
    except (HandlerError, LogError) as error:
        print(f"hooks: {error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(_main())
