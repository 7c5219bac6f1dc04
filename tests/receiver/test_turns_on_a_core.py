"""How the kernel lets the receiver's threads take turns."""

import os
import subprocess
import sys

import pytest

from receiver.turns_on_a_core import finish_before_others

PROGRAM = """
import os, threading
from receiver.turns_on_a_core import finish_before_others

finish_before_others()
thread = threading.Thread(target=lambda: print(os.sched_getscheduler(threading.get_native_id())))
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone knows batch scheduling")
def test_threads_that_are_started_later_are_scheduled_as_a_batch() -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == str(os.SCHED_BATCH)


def test_where_it_is_not_allowed_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    finish_before_others()
