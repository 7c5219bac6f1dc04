from datetime import UTC, datetime, timedelta

from sandbox.chaozcode.relevance import find
from sandbox.state.memories import Memory

NOW = datetime(2026, 1, 30, tzinfo=UTC)


def memory(name: str, content: str, *tags: str, minutes: int = 0) -> Memory:
    at = NOW + timedelta(minutes=minutes)
    return Memory(id=name, vector_id="vec_1", content=content, tags=tags, created_at=NOW, updated_at=at)


LOGIN = memory("m1", "Login by OAuth2, with PKCE", "auth")
LOGOUT = memory("m2", "Logout", "auth", "ui", minutes=1)


def names(query: str, *, tags: tuple[str, ...] = (), min_score: float = 0.0) -> list[str]:
    return [one.memory.id for one in find(query, [LOGIN, LOGOUT], tags=tags, min_score=min_score)]


def test_the_score_is_the_share_of_the_querys_words() -> None:
    (found,) = find("LOGIN pkce someday soon", [LOGIN, LOGOUT])
    assert (found.memory.id, found.score) == ("m1", 0.5)


def test_the_best_comes_first_and_among_equals_the_newest() -> None:
    assert names("auth pkce") == ["m1", "m2"]
    assert names("auth") == ["m2", "m1"]


def test_all_tags_are_asked_for() -> None:
    assert names("auth", tags=("auth", "ui")) == ["m2"]
    assert names("auth", tags=("other",)) == []


def test_what_scores_less_is_left_out() -> None:
    assert names("auth pkce", min_score=0.5) == ["m1", "m2"]
    assert names("auth pkce", min_score=0.51) == ["m1"]


def test_nothing_is_found_without_a_word_in_common() -> None:
    assert names("weather") == names("") == names("?!") == []
