"""What a running receiver says, and what is no receiver of ours."""

import ssl
from collections.abc import Callable

import httpx2
import pytest

from console.webhooks.probe import ReceiverProbe, Verdict
from receiver.answer import NOT_FOUND, UNSIGNED, unusable
from receiver.reception import PROBE
from receiver.signature import verify

URL = "https://hooks.example.com/webhooks/chaozcode"
Answer = Callable[[httpx2.Request], httpx2.Response]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def receiver(*secrets: str) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path != "/webhooks/chaozcode":
            return httpx2.Response(404, content=NOT_FOUND.answer("req_1").body)
        assert request.content == PROBE
        header = request.headers.get("X-ChaozCode-Signature")
        is_signed = verify(request.content, header, [secret.encode() for secret in secrets])
        refusal = unusable("id", "is missing") if is_signed else UNSIGNED
        return httpx2.Response(refusal.status, content=refusal.answer("req_1").body)

    return answer


def probe(answer: Answer, *, url: str = URL, clock: Clock | None = None) -> ReceiverProbe:
    clock = clock or Clock()
    return ReceiverProbe(url, transport=httpx2.MockTransport(answer), clock=clock, sleep=clock.sleep)


def raising(error: Exception) -> Answer:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        raise error

    return answer


def test_a_receiver_tells_which_secret_it_accepts() -> None:
    asked = probe(receiver("secret_one", "secret_two"))
    assert asked.fault() is None
    assert asked.accepts("secret_two")
    assert not asked.accepts("secret_three")


def tls_failure() -> Exception:
    error = httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "certificate has expired"
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (raising(httpx2.ConnectError("Name or service not known")), "can't be reached: Name or service"),
        (raising(httpx2.ReadTimeout("")), "does not answer within 10 s"),
        (raising(tls_failure()), "no HTTPS that can be trusted: certificate has expired"),
        (
            lambda _: httpx2.Response(301, headers={"Location": "https://www.example.com/"}),
            "redirects to https://www",
        ),
        (
            lambda _: httpx2.Response(200, content=b"<html>Welcome to nginx"),
            "answers with 200, and is no receiver",
        ),
        (lambda _: httpx2.Response(502, content=b"<html>"), "answers with 502, and is no receiver"),
        (lambda _: httpx2.Response(401, content=b"[" * 100_000), "answers with 401, and is no receiver"),
    ],
)
def test_what_is_no_receiver_is_told(answer: Answer, words: str) -> None:
    assert words in str(probe(answer).fault())


def test_a_wrong_path_is_told() -> None:
    wrong = probe(receiver("secret_one"), url="https://hooks.example.com/")
    assert "ends with /webhooks/chaozcode" in str(wrong.fault())


def test_acceptance_counts_once_all_processes_have_had_time_for_it() -> None:
    clock = Clock()

    def two_processes(request: httpx2.Request) -> httpx2.Response:
        late = clock.now < 1.5 and int(clock.now * 10) % 2
        return receiver("old_secret" if clock.now < 1 or late else "new_secret")(request)

    answered = probe(two_processes, clock=clock).wait_until_accepted("new_secret", within_seconds=10)
    assert answered.verdict is Verdict.ACCEPTED
    assert clock.now >= 1.5 + 2.5 - 0.6


def test_who_never_accepts_is_waited_for_so_long() -> None:
    clock = Clock()
    answered = probe(receiver("old_secret"), clock=clock).wait_until_accepted("new_secret", within_seconds=10)
    assert answered.verdict is Verdict.REFUSED
    assert 10 <= clock.now < 11
    answered = probe(raising(httpx2.ConnectError("refused"))).wait_until_accepted(
        "new_secret", within_seconds=1
    )
    assert answered.verdict is Verdict.NO_RECEIVER
    assert "refused" in answered.reason
