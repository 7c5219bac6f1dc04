import json
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from clients.errors import MalformedReply
from clients.reply import Reply, named


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Reply):
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Reply):
    text: str | None = None
    count: int | None = None
    share: float | None = None
    is_open: bool | None = None
    created_at: datetime | None = None
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    tags: tuple[str, ...] = ()
    anything: tuple[Any, ...] = ()
    settings: Mapping[str, Any] | None = None
    id: str | None = field(default=None, metadata=named("wholeId", "id"))


def test_a_reply_is_read_into_its_types() -> None:
    whole = Whole.from_json(
        {
            "text": "x",
            "count": 3,
            "share": 1,
            "isOpen": False,
            "createdAt": "2026-01-30T12:00:00.250Z",
            "part": {"name": "a"},
            "parts": [{"name": "b"}, {"name": "c"}],
            "tags": ["d", "e"],
            "anything": [1, None, {"f": 2}],
            "settings": {"g": [True]},
        }
    )

    assert (whole.text, whole.count, whole.share, whole.is_open) == ("x", 3, 1.0, False)
    assert isinstance(whole.share, float)
    assert whole.created_at == datetime(2026, 1, 30, 12, 0, 0, 250_000, tzinfo=UTC)
    assert whole.part == Part(raw={"name": "a"}, name="a")
    assert [part.name for part in whole.parts] == ["b", "c"]
    assert (whole.tags, whole.anything) == (("d", "e"), (1, None, {"f": 2}))
    assert whole.settings == {"g": [True]}


def test_what_is_missing_is_none_or_empty() -> None:
    assert Whole.from_json({}) == Whole(raw={})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("text", value) for value in (1, True, None, ["x"], {"x": 1})),
        *(("count", value) for value in ("1", 1.5, True, None, float("inf"), float("nan"))),
        *(("share", value) for value in ("1", True, None, float("inf"), float("nan"), 10**400)),
        *(("isOpen", value) for value in (0, "true", None)),
        *(
            ("createdAt", value)
            for value in ("yesterday", "", 1769774400, None, "2026-13-01T00:00:00Z", "\ud800")
        ),
        *(("part", value) for value in ("a", None, [{"name": "a"}])),
        *(("parts", value) for value in ("a", None, {"name": "a"})),
        *(("settings", value) for value in ("a", None, ["a"])),
    ],
)
def test_what_is_of_another_type_counts_as_missing_but_stays_raw(name: str, value: object) -> None:
    whole = Whole.from_json({name: value, "id": "1"})

    assert whole == Whole(raw={name: value, "id": "1"}, id="1")
    assert whole.raw[name] is value


def test_elements_of_another_type_are_left_out() -> None:
    whole = Whole.from_json({"parts": [{"name": "a"}, "b", None], "tags": ["a", 1, None, "b"]})

    assert [part.name for part in whole.parts] == ["a"]
    assert whole.tags == ("a", "b")


def test_a_whole_number_may_be_written_as_a_fraction() -> None:
    assert Whole.from_json({"count": 502.0}).count == 502


def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_keeps_it() -> None:
    zone = timezone(timedelta(hours=2))

    assert Whole.from_json({"createdAt": "2026-01-30T12:00:00"}).created_at == datetime(
        2026, 1, 30, 12, tzinfo=UTC
    )
    assert Whole.from_json({"createdAt": "2026-01-30T12:00:00+02:00"}).created_at == datetime(
        2026, 1, 30, 12, tzinfo=zone
    )


def test_names_in_snake_case_are_read_too_and_others_where_they_are_given() -> None:
    assert Whole.from_json({"is_open": True}).is_open is True
    assert Whole.from_json({"id": "b", "wholeId": "a"}).id == "a"
    assert Whole.from_json({"id": "b", "wholeId": 1}).id == "b"


@pytest.mark.parametrize(
    ("reply", "words"),
    [([], "an array"), ("x", "a string"), (1.5, "a number"), (True, "a boolean"), (None, "null or empty")],
)
def test_a_reply_that_is_no_object_is_malformed(reply: object, words: str) -> None:
    with pytest.raises(MalformedReply, match=f"the reply should be a JSON object, but it is {words}$"):
        Whole.from_json(reply)


def test_a_reply_is_frozen_shows_no_raw_and_can_be_recorded() -> None:
    raw = {"text": "x", "surprise": {"secret": "tell-nobody"}}
    whole = Whole.from_json(raw)

    assert json.loads(json.dumps(whole.raw)) == raw
    assert "tell-nobody" not in repr(whole)
    with pytest.raises(FrozenInstanceError):
        whole.text = "y"  # type: ignore[misc]
