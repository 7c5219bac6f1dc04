"""What `hooks up` reads of its processes, however long their lines are."""

import resource
import subprocess
import sys
from io import BytesIO

from console.up.lines import LINE_BYTES, bounded_lines


def test_lines_come_as_they_are() -> None:
    stream = BytesIO(b"one\ntwo\r\n\n\xff\xfe bad\nlast without an end")
    assert list(bounded_lines(stream)) == ["one", "two", "", "\\xff\\xfe bad", "last without an end"]


def test_a_line_of_just_the_bound_is_whole() -> None:
    stream = BytesIO(b"x" * (LINE_BYTES - 1) + b"\n" + b"y" * LINE_BYTES + b"\nz\n")
    assert list(bounded_lines(stream)) == ["x" * (LINE_BYTES - 1), "y" * LINE_BYTES, "z"]


def test_of_a_long_line_its_beginning_is_kept_and_the_next_is_whole() -> None:
    first, second = bounded_lines(BytesIO(b"x" * 10 * LINE_BYTES + b"\nnext\n"))
    assert first == "x" * LINE_BYTES + f" ... {9 * LINE_BYTES:,} bytes left out"
    assert second == "next"


def test_a_line_of_a_quarter_of_a_gigabyte_takes_no_memory() -> None:
    program = "import sys\nfor _ in range(256): sys.stdout.write('x' * 1024 * 1024)\nprint()\nprint('end')"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        long, end = bounded_lines(process.stdout)
    assert (len(long) < 2 * LINE_BYTES, end) == (True, "end")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
