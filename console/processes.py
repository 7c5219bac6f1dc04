"""The commands that run one process each: receiver, worker, clock."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final

import click

from console.log import open_log, open_log_once_it_answers
from console.logs import configure_logs
from console.settings import OutputSettings
from eventlog.errors import LogUnavailable
from handlers.errors import InvalidQueue
from handlers.pace import DEFAULT_QUEUE, require_queue

_SIGN_OFF_SECONDS: Final = 3.0
"""Past its grace time, for what a process writes in the end."""


@click.command()
def receiver() -> None:
    """Run the webhook receiver on PORT (default 8000), at /webhooks/chaozcode.

    Needs CHAOZCODE_WEBHOOK_SECRET, and the event log's tables (hooks db upgrade).
    """
    from receiver.port import PortTaken  # noqa: PLC0415 - each process loads only what it runs
    from receiver.server import serve  # noqa: PLC0415 - each process loads only what it runs
    from receiver.settings import ReceiverSettings  # noqa: PLC0415

    configure_logs(OutputSettings())
    settings = ReceiverSettings()
    with suppress(LogUnavailable):  # it starts all the same, and answers 503 until the log is there
        open_log().close()
    try:
        serve(settings, application="console.receiver_application:create")
    except PortTaken as error:
        raise click.ClickException(str(error)) from error


def _a_queue(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    try:
        require_queue(value)
    except InvalidQueue as error:
        raise click.BadParameter(str(error)) from error
    return value


@click.command()
@click.option(
    "--queue",
    metavar="NAME",
    default=DEFAULT_QUEUE,
    callback=_a_queue,
    help='Work for the handlers with queue="NAME" only, which no other worker does.',
)
def worker(*, queue: str) -> None:
    """Run a worker: takes events from the queue and runs your handlers on them."""
    from eventlog.pulse import Pulse  # noqa: PLC0415
    from workers.queue.redis_queue import EventQueue  # noqa: PLC0415
    from workers.queue.settings import QueueSettings  # noqa: PLC0415
    from workers.settings import WorkerSettings  # noqa: PLC0415
    from workers.supervisor import Supervisor  # noqa: PLC0415

    configure_logs(OutputSettings())
    log = open_log_once_it_answers("worker")
    pulse = Pulse(log, kind="worker", queue=queue)
    settings = WorkerSettings()
    supervisor = Supervisor(
        log,
        EventQueue.connect(QueueSettings().url),
        settings,
        [sys.executable, "-m", "console.worker_child", queue],
    )
    _stop_on_signals(supervisor.stop, within_seconds=settings.grace_seconds)
    pulse.start()
    code = supervisor.run()
    pulse.stop()
    sys.exit(code)


@click.command()
def clock() -> None:
    """Run the clock: queues retries that are due and jobs that were lost, and feeds replays."""
    from eventlog.pulse import Pulse  # noqa: PLC0415
    from workers.clock import Clock  # noqa: PLC0415
    from workers.queue.redis_queue import EventQueue  # noqa: PLC0415
    from workers.queue.settings import QueueSettings  # noqa: PLC0415
    from workers.settings import WorkerSettings  # noqa: PLC0415

    configure_logs(OutputSettings())
    settings = WorkerSettings()
    log = open_log_once_it_answers("clock")
    running = Clock(log, EventQueue.connect(QueueSettings().url), lease=settings.lease)
    pulse = Pulse(log, kind="clock")
    _stop_on_signals(running.stop, within_seconds=settings.grace_seconds)
    pulse.start()
    running.run()
    pulse.stop()


def _stop_on_signals(stop: Callable[[], None], *, within_seconds: float) -> None:
    """Have a process end when it is told to, and soon after its grace time whatever it waits for."""

    def told(_signal: int, _frame: FrameType | None) -> None:
        stop()
        # A database that hangs answers no question and ends no wait. An alarm, as a thread can't be
        # started safely in a signal handler.
        signal.signal(signal.SIGALRM, _give_up)
        if not any(signal.getitimer(signal.ITIMER_REAL)):
            signal.setitimer(signal.ITIMER_REAL, within_seconds + _SIGN_OFF_SECONDS)

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    # What this process still held is freed by a clock, as if it had been killed.
    os.write(2, b"hooks: the grace period is over and the event log does not answer; ending without it\n")
    os._exit(1)
