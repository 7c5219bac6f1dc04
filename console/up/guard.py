"""Run a command, and end it when whoever holds our standard input is gone, even if that was killed.

Run as a plain script with nothing but the standard library, so that it starts at once and stays small:
`python -I -S guard.py COMMAND...`
"""

import ctypes
import select
import signal
import subprocess
import sys

_LOOK_EVERY_SECONDS = 0.1
_GRACE_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    # Should this guard itself be killed; only Linux has it. It follows the thread that starts the child,
    # which is the guard's only one.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _main() -> int:
    child = subprocess.Popen(
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        close_fds=False,  # what this guard was given is for the command
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread
    )
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            return child.wait(_LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            if not _parent_is_there():
                return _end(child)


def _parent_is_there() -> bool:
    # Nobody ever writes there: that it can be read means that its other end was closed.
    return not select.select([sys.stdin], [], [], 0)[0]


def _end(child: "subprocess.Popen[bytes]") -> int:
    child.terminate()
    try:
        return child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


if __name__ == "__main__":
    code = _main()
    sys.exit(code if code >= 0 else 128 - code)
