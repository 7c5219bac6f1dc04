import pickle

import pytest

from sandbox.keys import FIXED_KEYS, KEY_TYPES, OPEN_TO_RESTRICTED, ApiKeys
from tests.sandbox.imitation import Imitation


def keys() -> ApiKeys:
    return Imitation(plan="pro").world.keys


def test_the_fixed_keys_have_their_types_and_plans() -> None:
    known = keys()
    found = {text: known.find(text) for text in FIXED_KEYS.values()}
    assert {text: (key.type, key.plan) for text, key in found.items() if key} == {
        "cc_dev_sandbox": ("development", "pro"),
        "cc_live_sandbox": ("production", "team"),
        "cc_readonly_sandbox": ("readonly", "pro"),
        "cc_restricted_sandbox": ("restricted", "pro"),
    }


def test_no_key_is_kept_itself() -> None:
    known = keys()
    key, text = known.create(name="CI", kind="development")
    assert known.find(text) is not None
    assert all(
        text not in kept and text.encode() not in pickle.dumps(kept) for kept in map(repr, known.all())
    )
    assert key.masked != text


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_a_readonly_key_gets_and_a_restricted_one_calls_what_is_open_to_it(kind: str) -> None:
    key, _ = keys().create(name="k", kind=kind)  # type: ignore[arg-type]
    calls = ["GET /memory/{id}", "GET /user/me", "POST /memory/search", "DELETE /memory/{id}"]
    allowed = [call for call in calls if key.may_call(*call.split(" "))]
    assert (
        allowed
        == {
            "development": calls,
            "production": calls,
            "readonly": ["GET /memory/{id}", "GET /user/me"],
            "restricted": ["GET /memory/{id}", "POST /memory/search"],
        }[kind]
    )


def test_what_is_open_to_restricted_keys_exists() -> None:
    from sandbox.chaozcode.door import documented_path  # noqa: PLC0415

    rules = Imitation().app.url_map.iter_rules()
    routes = {f"{method} {documented_path(rule.rule)}" for rule in rules for method in rule.methods or ()}
    assert set(OPEN_TO_RESTRICTED) <= routes


def test_a_use_is_noted() -> None:
    api = Imitation()
    assert {key.last_used_at for key in api.world.keys.all()} == {None}
    api.get("/models")
    assert [key.type for key in api.world.keys.all() if key.last_used_at == api.clock.at] == ["development"]
