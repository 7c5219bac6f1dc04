"""Fill a log: .venv/bin/python -m benchmarks.fill DATABASE_URL [EVENTS]."""

import sys

from benchmarks.fill.filling import fill

_EVENTS = 10_000_000


def main() -> None:
    match sys.argv[1:]:
        case [url]:
            fill(url, _EVENTS)
        case [url, number]:
            fill(url, int(number.replace("_", "")))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
