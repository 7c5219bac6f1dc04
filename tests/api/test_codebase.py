"""`client.codebase`, against the sandbox and the description."""

from clients.chaozcode.client import ChaozCode
from tests.api.documents import parameters_of
from tests.api.wire import HeldWire

FILES = [{"path": "app.py", "content": "import os\nprint(os.sep)\n"}]


def test_a_codebase_is_analysed(chaozcode: ChaozCode, wire: HeldWire) -> None:
    analysis = chaozcode.codebase.analyze(FILES, language="python", depth="deep")
    assert analysis.summary is not None
    assert analysis.summary.total_files == 1
    assert analysis.summary.languages
    assert analysis.structure is not None
    assert wire.parameters_sent("POST /codebase/analyze") == parameters_of("POST /codebase/analyze")


def test_code_is_generated(chaozcode: ChaozCode, wire: HeldWire) -> None:
    generated = chaozcode.codebase.generate(
        "a function that adds", context=FILES, language="python", style={"quotes": "double"}
    )
    assert generated.raw
    assert wire.parameters_sent("POST /codebase/generate") == parameters_of("POST /codebase/generate")


def test_code_is_reviewed(chaozcode: ChaozCode, wire: HeldWire) -> None:
    review = chaozcode.codebase.review("eval(input())", language="python", focus=["security", "bugs"])
    assert review.raw
    assert wire.parameters_sent("POST /codebase/review") == parameters_of("POST /codebase/review")


def test_a_fix_is_suggested(chaozcode: ChaozCode, wire: HeldWire) -> None:
    fix = chaozcode.codebase.fix("1 / 0", error="ZeroDivisionError", context="a script")
    assert fix.raw
    assert wire.parameters_sent("POST /codebase/fix") == parameters_of("POST /codebase/fix")
