"""Keeps a handler's timeout from striking while the log is asked about a step, or told of one."""

from workers.surroundings import Surroundings
from workers.timer import HandlerTimer


class StepShield:
    """What hangs all the same is killed by the parent: it knows nothing of this."""

    def __init__(self, timer: HandlerTimer, surroundings: Surroundings) -> None:
        self._timer = timer
        self._surroundings = surroundings

    def hold(self) -> None:
        self._timer.disarm()
        self._surroundings.require_intact()  # a fork must not record, nor write into another's file

    def release(self) -> None:
        self._timer.resume()
