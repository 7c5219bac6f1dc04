"""Where the receiver's parts meet: settings in, a reception with its threads running out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.pulse import Pulse
from eventlog.rejects import Quota, keep
from eventlog.schema import check_schema
from eventlog.settings import LogSettings
from receiver.intake import Intake
from receiver.reception import Reception
from receiver.reject_collector import RejectCollector
from receiver.secret_settings import SecretSettings, secret_files
from receiver.secrets_watch import SecretsWatch
from receiver.settings import ReceiverSettings
from workers.queue.enqueuer import Enqueuer
from workers.queue.redis_queue import EventQueue
from workers.queue.settings import QueueSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running receiver, without its HTTP."""

    settings: ReceiverSettings
    log: EventLog
    queue: EventQueue
    enqueuer: Enqueuer
    intake: Intake
    reception: Reception
    rejects: RejectCollector
    secrets: SecretsWatch
    pulse: Pulse

    def close(self) -> None:
        """Answer what was taken, hand what was written to the queue, then stop."""
        self.secrets.stop()
        self.intake.close()
        self.enqueuer.close()
        self.queue.close()
        self.rejects.close()
        self.pulse.stop()
        self.log.close()


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _read_keys() -> tuple[bytes, ...]:
    return SecretSettings().keys


def open_service(
    settings: ReceiverSettings,
    *,
    log_url: str | None = None,
    redis_url: str | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> Service:
    """Open the log and start the receiver's threads; while the log can't be used, it answers 503.

    Raises `SchemaOutdated` when the log's tables are not those of this release.
    """
    log = EventLog.open(log_url or LogSettings().url)
    try:
        check_schema(log)
    except LogUnavailable as error:
        # A process that is started anew within an outage: it must not end too, and take the others with it.
        structlog.get_logger("receiver").warning("log_unavailable", reason=str(error))
    queue = EventQueue.connect(redis_url or QueueSettings().url)
    enqueuer = Enqueuer(queue)

    intake = Intake(
        partial(record, log),
        enqueuer.offer,
        capacity_events=settings.intake_events,
        capacity_bytes=settings.intake_bytes,
        longest_wait_seconds=settings.intake_seconds,
        between_commits=log.checkpoint_if_due,
    )
    quota = Quota(events=settings.rejects_events, bytes=settings.rejects_bytes)
    secrets = SecretsWatch(settings.keys, _read_keys, secret_files())
    rejects = RejectCollector(partial(keep, log, quota=quota), secrets.all_keys, quota)
    enqueuer.start()
    intake.start()
    rejects.start()
    secrets.start()
    pulse = Pulse(log, kind="receiver")
    pulse.start()
    return Service(
        settings=settings,
        log=log,
        queue=queue,
        enqueuer=enqueuer,
        intake=intake,
        reception=Reception(intake, secrets.keys, clock, rejects.offer),
        rejects=rejects,
        secrets=secrets,
        pulse=pulse,
    )
