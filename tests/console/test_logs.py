"""How processes log."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from console.logs import configure_logs
from console.settings import OutputSettings

configure_logs(OutputSettings.model_validate({{"HOOKS_LOG_FORMAT": {format!r}, "HOOKS_LOG_LEVEL": "info"}}))
log = structlog.get_logger("receiver")
log.debug("not_said")
try:
    secret = "whsec_never_" + "logged"
    raise RuntimeError("it broke")
except RuntimeError:
    log.exception("it_failed", event_id="evt_1")
log.info("it_goes_on")
"""


def _run(log_format: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(format=log_format)], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_shows_no_local_variables(log_format: str) -> None:
    printed = _run(log_format)
    assert "RuntimeError: it broke" in printed
    assert "whsec_never_logged" not in printed
    assert "not_said" not in printed
    assert "it_goes_on" in printed


def test_json_is_one_object_a_line() -> None:
    failed, goes_on = [json.loads(line) for line in _run("json").splitlines()]
    assert (failed["event"], failed["level"], failed["logger"]) == ("it_failed", "error", "receiver")
    assert failed["event_id"] == "evt_1"
    assert "it broke" in failed["exception"]
    assert goes_on["timestamp"].endswith("Z")


def test_a_character_that_no_encoding_has_costs_no_other_line() -> None:
    program = PROGRAM.format(format="text") + 'log.info("half", of="\\ud83d"); log.info("another")\n'
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "it_goes_on" in done.stdout
    assert "of=\\ud83d" in done.stdout
    assert "another" in done.stdout
