"""`hooks sandbox`: ChaozCode and Chucky, imitated on this machine."""

import random
import signal
import socket
from types import FrameType

import click
import structlog

from console.logs import configure_logs
from console.settings import OutputSettings, TriggerSettings
from sandbox.port import SandboxPortTaken, listen
from sandbox.settings import SandboxSettings


@click.command()
@click.option(
    "--listening", "listening_fd", type=int, hidden=True
)  # a socket of `hooks up`, listening already
def sandbox(*, listening_fd: int | None) -> None:
    """Run the sandbox: ChaozCode's and Chucky's APIs, imitated on this machine, offline.

    It listens on HOOKS_SANDBOX_PORT (default 8010). `hooks up` starts it too, and registers its receiver.

    \b
    ChaozCode        http://127.0.0.1:8010/v2
    its keys         cc_dev_sandbox, cc_live_sandbox, cc_readonly_sandbox, cc_restricted_sandbox
    Chucky           http://127.0.0.1:8010
    its token        curl http://127.0.0.1:8010/_sandbox
    \b
    Store a memory, which sends the event memory.stored:
      curl http://127.0.0.1:8010/v2/memory/store \\
        -H "Authorization: Bearer cc_dev_sandbox" -H "Content-Type: application/json" \\
        -d '{"id": "first", "content": "Hello"}'
    \b
    See the webhooks it sent:
      curl http://127.0.0.1:8010/_sandbox/deliveries
    \b
    Have the next three calls of the memory API answered with 500:
      curl http://127.0.0.1:8010/_sandbox/faults \\
        -d '{"fault": "500", "path": "/v2/memory/*", "count": 3}'
    \b
    Faults of replies, by "path":    delay, 429, 500, 503, cut
    Faults of webhooks, by "event":  duplicate, reorder, bad_signature
    Each with "count" (null: for good), "probability", "seconds"; docs/sandbox.md tells all.
    \b
    Say what Chucky is to answer next:
      curl http://127.0.0.1:8010/_sandbox/chucky/replies -d '{"text": "The disk was full."}'
    """  # noqa: D301 - \b is click's
    from sandbox.sandbox import Sandbox, utc_now  # noqa: PLC0415 - loads slowly, as does what follows
    from sandbox.server import SandboxServer  # noqa: PLC0415
    from sandbox.world import World  # noqa: PLC0415

    output, settings = OutputSettings(), SandboxSettings()
    try:
        listening = (
            listen(settings.host, settings.port)
            if listening_fd is None
            else socket.socket(fileno=listening_fd)
        )
    except SandboxPortTaken as error:
        raise click.ClickException(str(error)) from error
    configure_logs(output)
    world = World(
        now=utc_now,
        chance=random.SystemRandom(),
        plan=settings.plan,
        usage_limit=settings.usage_limit,
        agent_seconds=settings.agent_seconds,
        one_webhook_per_url=settings.one_webhook_per_url,
    )
    running = Sandbox(world)
    if settings.webhook_url:
        secret = TriggerSettings().secret
        running.know_webhook(settings.webhook_url, secret.decode() if secret else None)
    server = SandboxServer(running.application, listening)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    running.start()
    log = structlog.get_logger("sandbox")
    server.serve(
        lambda: log.info(
            "sandbox_ready",
            chaozcode=f"{settings.url}/v2",
            chucky=settings.url,
        )
    )
    running.close()
    log.info("sandbox_stopped")
