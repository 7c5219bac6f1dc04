"""`python -m console.worker_child QUEUE FD`: a worker's child, started by its supervisor only."""

import sys

from pydantic import ValidationError

from console.logs import configure_logs
from console.settings import OutputSettings
from console.wording import settings_errors
from eventlog.errors import LogUnavailable, SchemaOutdated
from handlers.errors import HandlerError
from workers.child import WorkerChild
from workers.page import SharedPage
from workers.supervisor import CONFIGURATION_EXIT


def _main() -> int:
    try:
        configure_logs(OutputSettings())
        return WorkerChild(SharedPage(int(sys.argv[2])), sys.argv[1]).run()
    except ValidationError as error:
        print(*(f"hooks worker: {line}" for line in settings_errors(error)), sep="\n", file=sys.stderr)
    except (HandlerError, SchemaOutdated) as error:
        print(f"hooks worker: {error}", file=sys.stderr)
    except LogUnavailable as error:
        print(f"hooks worker: {error}", file=sys.stderr)
        return 1
    return CONFIGURATION_EXIT


if __name__ == "__main__":
    sys.exit(_main())
