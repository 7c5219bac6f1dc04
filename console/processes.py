"""The commands that run one process each: receiver, worker, clock."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

import click

from console.log import open_log
from console.logs import configure_logs
from console.settings import OutputSettings


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
    open_log().close()
    try:
        serve(settings, application="console.receiver_application:create")
    except PortTaken as error:
        raise click.ClickException(str(error)) from error


@click.command()
def worker() -> None:
    """Run a worker: takes events from the queue and runs your handlers on them."""
    from eventlog.pulse import Pulse  # noqa: PLC0415
    from workers.queue.redis_queue import EventQueue  # noqa: PLC0415
    from workers.queue.settings import QueueSettings  # noqa: PLC0415
    from workers.settings import WorkerSettings  # noqa: PLC0415
    from workers.supervisor import Supervisor  # noqa: PLC0415

    configure_logs(OutputSettings())
    log = open_log()
    queue = EventQueue.connect(QueueSettings().url)
    pulse = Pulse(log, kind="worker")
    supervisor = Supervisor(log, queue, WorkerSettings(), [sys.executable, "-m", "console.worker_child"])
    _stop_on_signals(supervisor.stop)
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

    configure_logs(OutputSettings())
    log = open_log()
    running = Clock(log, EventQueue.connect(QueueSettings().url))
    pulse = Pulse(log, kind="clock")
    _stop_on_signals(running.stop)
    pulse.start()
    running.run()
    pulse.stop()


def _stop_on_signals(stop: Callable[[], None]) -> None:
    def told(_signal: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
