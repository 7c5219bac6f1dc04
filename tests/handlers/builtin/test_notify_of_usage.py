"""The notice of usage: both APIs' figures, posted once to a URL that nothing shows."""

import json
from collections.abc import Callable

import httpx2
import pytest

from handlers.builtin.notify_of_usage import notify_of_usage, router
from handlers.outcome import Dead, Retried, Succeeded
from handlers.testing import Run, make_event, run
from hooks_testkit import FakeChaozCode, FakeChucky
from hooks_testkit.path import EventPath

SECRET = "T00/B00/sEcReT"
EVENT = make_event("usage.threshold", threshold=0.8)


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_NOTIFY_OF_USAGE", f"https://hooks.chat.example/services/{SECRET}")


def answering(status: int, **headers: str) -> tuple[httpx2.MockTransport, list[str]]:
    texts: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path.endswith(SECRET)
        texts.append(json.loads(request.content)["text"])
        return httpx2.Response(status, headers={name.replace("_", "-"): headers[name] for name in headers})

    return httpx2.MockTransport(answer), texts


def test_the_figures_of_both_are_posted(chaozcode: FakeChaozCode, chucky: FakeChucky) -> None:
    chaozcode.answers("/user/usage", {"apiCalls": 8012, "limit": 10000})
    transport, texts = answering(200)
    result = run(notify_of_usage, EVENT, http=transport, chaozcode=chaozcode, chucky=chucky)
    assert result.outcome == Succeeded()
    (text,) = texts
    assert text.splitlines() == [
        "A usage threshold is reached: 0.8",
        "ChaozCode: 8,012 of 10,000 calls",
        "Chucky: $0.00 of $5.00, 0 of 360,000 s in this day",
    ]


def test_it_is_posted_once_however_often_it_fails_before(
    chaozcode: FakeChaozCode, chucky: FakeChucky
) -> None:
    transport, texts = answering(200)
    chaozcode.fails(500, times=1)
    path = EventPath(router, http=transport, chaozcode=chaozcode, chucky=chucky)
    path.deliver(EVENT)
    path.settle()
    assert path.look(EVENT).state == "done"
    assert len(texts) == 1


@pytest.mark.parametrize(
    "breaks",
    [
        lambda chaozcode: chaozcode.fails(401, times=None),
        lambda chaozcode: chaozcode.fails(429, times=None, retry_after=80_000),
        lambda chaozcode: chaozcode.fails(500, times=None),
    ],
)
def test_an_api_that_can_not_be_asked_does_not_hold_the_notice_up(
    chaozcode: FakeChaozCode, chucky: FakeChucky, breaks: Callable[[FakeChaozCode], None]
) -> None:
    breaks(chaozcode)
    transport, texts = answering(200)
    result: Run | None = None
    for _ in range(3):
        result = run(notify_of_usage, EVENT, http=transport, chaozcode=chaozcode, chucky=chucky, after=result)
        if result.outcome == Succeeded():
            break
    assert "ChaozCode: not known (" in texts[0]
    assert "Chucky: $0.00" in texts[0]


def away(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError(f"no way to {request.url}", request=request)


@pytest.mark.parametrize(
    ("transport", "outcome"),
    [
        (answering(404)[0], Dead),
        (answering(500)[0], Retried),
        (answering(429, Retry_After="60")[0], Retried),
        (httpx2.MockTransport(away), Retried),
    ],
)
def test_no_failure_tells_the_url(
    chaozcode: FakeChaozCode, chucky: FakeChucky, transport: httpx2.MockTransport, outcome: type
) -> None:
    result = run(notify_of_usage, EVENT, http=transport, chaozcode=chaozcode, chucky=chucky)
    assert isinstance(result.outcome, outcome)
    assert "hooks.chat.example" in repr(result.outcome)
    assert "sEcReT" not in repr(result)
