"""How fast events are accepted while Redis hangs, as a ratio to while it runs; rounds in turn, in one run.

.venv/bin/python -m benchmarks.accept_without_redis
"""

import statistics
import tempfile
import time
from pathlib import Path

from tests.faults.flood import flood
from tests.faults.stage import stage
from tests.servers.valkey import Valkey

ROUNDS = 5
SECONDS = 3.0
CONNECTIONS = 16


def main() -> None:
    """Print each round's rates, and the ratio of their medians."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as name, Valkey() as valkey:
        folder = Path(name)
        with stage(folder, database_url=f"sqlite:///{folder}/events.db", redis_url=valkey.url) as it:
            it.start(workers=0)
            for number in range(2 * ROUNDS):
                hung = bool(number % 2)
                if hung:
                    valkey.pause()
                began = time.monotonic()
                answers = flood(it.ports[0], str(number), seconds=SECONDS, connections=CONNECTIONS)
                rate = sum(answer.status == 202 for answer in answers) / (time.monotonic() - began)
                rates[hung].append(rate)
                print(f"Redis {'hangs' if hung else 'runs '}: {rate:6.0f} accepted a second")
                if hung:
                    valkey.resume()
    ratio = statistics.median(rates[True]) / statistics.median(rates[False])
    print(f"ratio of the medians, hung to running: {ratio:.2f}")


if __name__ == "__main__":
    main()
