"""What has to be loaded before threads share SQLAlchemy."""

import subprocess
import sys


def test_a_worker_has_loaded_the_orm_before_its_first_handler_asks_for_it() -> None:
    # While one thread loads it, every comparison of a column in another thread fails.
    told = subprocess.run(
        [sys.executable, "-c", "import sys, workers.child; print('sqlalchemy.orm' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.strip() == "True"
