"""`ctx.once()`: a step whose result is kept, so that a later attempt does not take it again.

Exception
├── StepMisused            it can't be kept as it was asked for; fn was not called
├── StepUnavailable        the log can't be asked now; fn was not called. Called again later, for no retry
├── ResultNotRecordable    fn was called, and what it returned can't be kept; permanent
└── StepNotRecorded        fn was called, and the log was away for too long. Called again later, for no retry
"""

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import starmap
from os import getpid
from threading import Lock

# Bound here, so that handlers which patch the module's functions change nothing.
from time import monotonic, sleep
from typing import Any, Final, Protocol, TypeVar

from clients.reply import Reply
from eventlog.errors import LeaseLost, LogUnavailable

from .storable import storable
from .transaction import LastAct

RESULT_BYTES: Final = 1024 * 1024
"""The longest result that is kept, as JSON in UTF-8."""

_KEY_CHARACTERS: Final = 200
_AGAIN_SECONDS: Final = (5.0, 3600.0)
_RECORD_SECONDS: Final = (1.0, 30.0)
_PAUSE_SECONDS: Final = (0.1, 1.0)

Result = TypeVar("Result")


class StepMisused(Exception):  # noqa: N818 - named for what happened
    """`ctx.once` was used in a way that can't be kept; the step was not taken."""


class StepUnavailable(Exception):  # noqa: N818
    """The event log can't say now whether the step was taken before; it was not taken now."""

    retry_after = _AGAIN_SECONDS[0]


class ResultNotRecordable(Exception):  # noqa: N818
    """The step was taken, and its result is nothing that can be kept: a further attempt would repeat it."""

    permanent = True

    def __init__(self, key: str, why: str) -> None:
        super().__init__(
            f"the step {key!r} was taken, but what it returned can't be kept, so the handler is not called "
            f"again: {why}"
        )


class StepNotRecorded(Exception):  # noqa: N818
    """The step was taken, and the event log could not record it in time: the next attempt repeats it."""

    def __init__(self, key: str, why: str, retry_after: float) -> None:
        super().__init__(f"the step {key!r} was taken, but could not be recorded: {why}")
        self.retry_after = retry_after


class StepStore(Protocol):
    """Where the steps of one delivery are kept, each under its key, as JSON."""

    def find(self, key: str) -> str | None:
        """Give what is on record, or None. Raises `LeaseLost`, `LogUnavailable`."""

    def record(self, key: str, result: str) -> str:
        """Keep a result, unless there is one; give the one that is kept. Raises `LogUnavailable`."""


class Shield(Protocol):
    """What keeps the handler's timeout from striking while the log is at work."""

    def hold(self) -> None: ...

    def release(self) -> None:
        """Let it strike again; at once, if the time was up meanwhile."""


class Once(Protocol):
    """What `ctx.once` calls."""

    def __call__(self, key: str, fn: Callable[[], Result], /) -> Result: ...


class Steps:
    """The steps of one attempt."""

    def __init__(
        self,
        store: StepStore,
        shield: Shield,
        last_act: LastAct | None,
        *,
        attempt: int,
        ends_at: float,
        pid: int | None = None,
    ) -> None:
        """`ends_at` is when the handler's time is up, on the monotonic clock; `pid` is its own process."""
        self._store = store
        self._shield = shield
        self._last_act = last_act
        self._attempt = attempt
        self._ends_at = ends_at
        self._pid = getpid() if pid is None else pid
        self._lock = Lock()
        self._under_way: set[str] = set()

    def once(self, key: str, fn: Callable[[], Result], /) -> Result:
        """Give what is on record under the key; else call `fn`, and record what it returns."""
        _require_key(key)
        _require_function(fn)
        self._require_possible()
        with self._underway(key):
            kept = self._find(key)
            if kept is None:
                kept = self._take(key, fn)
        # Read back also when it was just taken, so that no attempt sees another type than the others.
        result: Result = json.loads(kept)
        return result

    def _require_possible(self) -> None:
        if getpid() != self._pid:
            raise StepMisused("ctx.once can't be called in a process that the handler forked")
        if self._last_act is not None and self._last_act.is_open:
            raise StepMisused("ctx.once can't be called in ctx.transaction(): take the step before the block")
        if self._last_act is not None and self._last_act.recorded is not None:
            raise StepMisused(
                "ctx.transaction() is the handler's last act, and this delivery is done with it: take the "
                "step before the block"
            )

    @contextmanager
    def _underway(self, key: str) -> Iterator[None]:
        with self._lock:
            if key in self._under_way:
                raise StepMisused(f"the step {key!r} is under way in this attempt: give each step a key")
            self._under_way.add(key)
        try:
            yield
        finally:
            self._under_way.discard(key)

    def _find(self, key: str) -> str | None:
        self._shield.hold()
        try:
            return self._store.find(key)
        except LeaseLost as error:
            if self._last_act is None:
                raise
            self._last_act.lose(error)
        except LogUnavailable as error:
            raise StepUnavailable(str(error)) from error
        finally:
            self._shield.release()

    def _take(self, key: str, fn: Callable[[], object]) -> str:
        returned: list[object] = []
        late: BaseException | None = None
        try:
            # fn() is called and its value stored in C, so that the timeout, which strikes between two
            # instructions of Python, can't strike after the step was taken and before its result is here.
            returned.extend(starmap(fn, [()]))
            self._shield.hold()
        except BaseException as error:
            if not returned:
                raise
            late = error  # it struck when the step had just been taken, and strikes no second time
            self._shield.hold()
        if not returned:
            self._shield.release()
            raise RuntimeError(f"the step {key!r} raised StopIteration")
        # Not in a `finally`: a timeout that strikes at once would hide why the step is not on record.
        kept = self._record(key, returned.pop())
        if late is not None:
            raise late
        self._shield.release()
        return kept

    def _record(self, key: str, returned: object) -> str:
        result = _as_json(key, returned)
        least, most = _RECORD_SECONDS
        now = monotonic()
        until = min(max(self._ends_at, now + least), now + most)
        pause, longest = _PAUSE_SECONDS
        while True:
            try:
                return self._store.record(key, result)
            except LogUnavailable as error:
                if monotonic() + pause > until:
                    first, last = _AGAIN_SECONDS
                    # Later each time: where it never can be recorded, the step is taken ever more rarely.
                    again = min(first * 2 ** min(self._attempt - 1, 20), last)
                    raise StepNotRecorded(key, str(error), again) from error
            sleep(pause)
            pause = min(pause * 2, longest)


def _require_key(key: object) -> None:
    if not isinstance(key, str):
        raise StepMisused(f"a step's key is a str, but this is {type(key).__qualname__}")
    if not key or storable(key, _KEY_CHARACTERS) != key:
        raise StepMisused(
            f"a step's key has 1 to {_KEY_CHARACTERS} characters, none of them NUL or half of a surrogate "
            f"pair, but this is {storable(ascii(key), 300)}"
        )


def _require_function(fn: object) -> None:
    if not callable(fn):
        raise StepMisused(
            "ctx.once calls the step itself, so that it can leave it out: give it a function without "
            f"arguments, such as `lambda: ...`, not {type(fn).__qualname__}"
        )
    if inspect.iscoroutinefunction(fn):
        raise StepMisused("a step is a plain function: `async def` can't be called here")


def _as_json(key: str, returned: object) -> str:
    try:
        text = json.dumps(
            returned, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_raw_of
        )
        # Only half of a surrogate pair has no UTF-8; its backslash escape is JSON's own.
        encoded = text.encode("utf-8", "backslashreplace")
    except Exception as error:  # the value may be of the user's own class, and raise what it likes
        why = f"it is no JSON ({type(error).__qualname__}: {storable(error, 300)}); return a str, a number, "
        raise ResultNotRecordable(key, why + "a bool, None, or lists and dicts of those") from error
    if len(encoded) > RESULT_BYTES:
        why = f"it is {len(encoded):,} bytes of JSON, and {RESULT_BYTES:,} is the limit"
        raise ResultNotRecordable(key, f"{why}; return only what later attempts need of it")
    return encoded.decode()


def _raw_of(value: object) -> object:
    # What a client's reply holds beside its `raw` is read from that.
    if isinstance(value, Reply):
        return dict(value.raw)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def no_steps(key: str, fn: Callable[[], Any], /) -> Any:  # noqa: ANN401, ARG001
    """Stand in where there is nothing to keep steps in."""
    raise StepMisused("there is no event log here to keep a step in; handlers.testing.run() gives one")
