import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner

from console.when import WHEN, parse_when

NOW = datetime(2026, 1, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def five_hours_behind_greenwich() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "XYZ5"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        (" now ", NOW),
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
        ("0s", NOW),
        ("2026-01-30T12:00:00Z", NOW),
        ("2026-01-30T14:00:00+02:00", NOW),
        ("2026-01-30T07:00:00", NOW),
        ("2026-01-30 07:00", NOW),
        ("2026-01-30", datetime(2026, 1, 30, 5, tzinfo=UTC)),
    ],
)
def test_a_point_in_time_is_read(text: str, expected: datetime) -> None:
    found = parse_when(text, now=NOW)
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "15",
        "m",
        "-1h",
        "1.5h",
        "1y",
        "2026-13-01",
        "99999999w",
        "0001-01-01",
        "9999-12-31T23:00",
    ],
)
def test_what_is_none_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_when(text, now=NOW)
    assert repr(text) in str(refused.value)
    assert "15m, 2h, 3d, 1w" in str(refused.value)


def test_as_an_option_it_is_wrong_usage() -> None:
    @click.command()
    @click.option("--since", type=WHEN)
    def command(since: datetime) -> None: ...

    result = CliRunner().invoke(command, ["--since", "tomorrow"])
    assert result.exit_code == 2
    assert "'tomorrow' is no point in time" in result.output
