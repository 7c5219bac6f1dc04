"""The systemd unit in the documentation starts processes that exist, without privileges."""

import re
from configparser import RawConfigParser

import pytest

from console.main import _COMMANDS
from tests.system.up import ROOT
from workers.settings import WorkerSettings

UNIT = ROOT / "docs" / "systemd" / "chaozcode-hooks@.service"
PAGE = ROOT / "docs" / "security.md"


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    parser = RawConfigParser(strict=False)  # a unit may hold a key twice
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def test_it_starts_each_process_of_the_page(service: dict[str, str]) -> None:
    started = re.findall(r"chaozcode-hooks@(\w+)", PAGE.read_text())
    named = {name for name in started if name != "service"}
    assert named == {"receiver", "worker", "clock"}
    assert service["ExecStart"].endswith("/hooks %i")
    assert named <= set(_COMMANDS)


@pytest.mark.parametrize(
    ("directive", "value"),
    [
        ("User", "chaozcode-hooks"),
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("UMask", "0077"),
        ("KillMode", "mixed"),
        ("Restart", "always"),
    ],
)
def test_it_drops_what_no_process_needs(service: dict[str, str], directive: str, value: str) -> None:
    assert service[directive] == value


def test_what_a_process_gets_to_stop_is_longer_than_its_grace_period(service: dict[str, str]) -> None:

    assert int(service["TimeoutStopSec"]) > WorkerSettings.model_fields["grace_seconds"].default + 10
