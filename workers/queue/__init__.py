"""Third step: enqueue. The way from the log to the workers: RQ jobs that carry event ids only."""

from workers.queue.enqueuer import Enqueuer
from workers.queue.redis_queue import EventQueue, QueueUnavailable
from workers.queue.settings import QueueSettings

__all__ = ["Enqueuer", "EventQueue", "QueueSettings", "QueueUnavailable"]
