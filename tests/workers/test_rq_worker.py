"""RQ's worker, fitted to ours."""

from tests.servers.valkey import Valkey
from workers.rq_worker import EventWorker


def test_a_socket_whose_path_redis_py_can_not_read_back_does_not_keep_a_worker_from_starting() -> None:
    with Valkey(name="val key") as server:
        worker = EventWorker.connect(server.url)
        assert worker.ip_address == "unknown"
        assert worker.connection.ping()
