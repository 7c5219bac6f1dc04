"""That no time tells one wrong signature from another: measured, on the whole check of a body."""

import gc
import time
from statistics import median
from typing import Final

import pytest

from receiver.signature import sign, verify

pytestmark = pytest.mark.alone

SECRETS: Final = (b"whsec_of_the_test", b"whsec_of_last_year")
BODY: Final = b'{"id": "evt_1", "type": "memory.stored"}'
RIGHT: Final = sign(BODY, SECRETS[0])
SAMPLES: Final = 3000
TRIES: Final = 5
TELLING: Final = 0.05


def changed(header: str, at: int) -> str:
    return header[:at] + ("0" if header[at] != "0" else "1") + header[at + 1 :]


WRONG_FIRST: Final = changed(RIGHT, len("sha256="))
WRONG: Final = {
    "wrong in its last digit": changed(RIGHT, len(RIGHT) - 1),
    "wrong throughout": "sha256=" + "".join("0" if digit != "0" else "1" for digit in RIGHT[7:]),
    "of another secret": sign(BODY, b"another secret"),
    "of the older secret, wrong in its last digit": changed(sign(BODY, SECRETS[1]), len(RIGHT) - 1),
    "without the prefix": changed(RIGHT, len(RIGHT) - 1)[7:],
}
NO_DIGEST: Final = {"missing": None, "empty": "", "malformed": "sha256=" + "g" * 64, "short": RIGHT[:-1]}


def time_ratio(one: str | None, other: str | None) -> float:
    """Return how long the one takes, in the median, when the other takes 1; their samples alternate."""
    taken: tuple[list[int], list[int]] = ([], [])
    for sample in range(SAMPLES):
        for which in (0, 1) if sample % 2 else (1, 0):
            began = time.perf_counter_ns()
            verify(BODY, (one, other)[which], SECRETS)
            taken[which].append(time.perf_counter_ns() - began)
    return median(taken[0]) / median(taken[1])


def telling_ratios(header: str | None, bound: float) -> list[float]:
    """Measure until a ratio is within the bound, or there are too many tries; return those outside."""
    outside: list[float] = []
    gc.disable()
    try:
        while len(outside) < TRIES:
            ratio = time_ratio(header, WRONG_FIRST)
            if abs(ratio - 1) <= bound:
                return []
            outside.append(ratio)
    finally:
        gc.enable()
    return outside


@pytest.mark.parametrize("kind", WRONG)
def test_no_wrong_signature_is_told_from_another_by_time(kind: str) -> None:
    outside = telling_ratios(WRONG[kind], TELLING)
    assert not outside or not (min(outside) > 1 or max(outside) < 1), outside


@pytest.mark.parametrize("kind", NO_DIGEST)
def test_what_is_no_signature_at_all_takes_about_as_long(kind: str) -> None:
    # It is not secret that a header has no digest in it; without the HMACs it would take a fifth of the time.
    outside = telling_ratios(NO_DIGEST[kind], 0.4)
    assert not outside, outside
