import subprocess
import sys

import pytest

import clients
from clients.chaozcode.client import ChaozCode
from clients.chucky.client import Chucky


def test_both_clients_can_be_had_from_the_package() -> None:
    assert (clients.ChaozCode, clients.Chucky) == (ChaozCode, Chucky)
    with pytest.raises(AttributeError, match="module 'clients' has no attribute 'Chaos'"):
        clients.Chaos  # noqa: B018


def test_errors_settings_and_results_load_no_network() -> None:
    names = (
        "clients",
        "clients.errors",
        "clients.settings",
        "clients.reply",
        "clients.chaozcode.errors",
        *(f"clients.chaozcode.{group}" for group in ("agents", "memory", "query", "user", "webhooks")),
    )
    program = f"import sys, {', '.join(names)}; sys.exit('httpx2' in sys.modules)"

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
