"""A sender that, as ChaozCode would, sends an event again until it is acknowledged; none of ours."""

import hashlib
import hmac
import http.client
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.servers.waiting import wait_until

_TRY_EVERY_SECONDS = 0.1


class Sender:
    """Sends to one port; `acknowledged` are the ids that got a 202 or a 200."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret.encode()
        self._lock = threading.Lock()
        self.acknowledged: list[str] = []

    def send(self, event_id: str) -> int | None:
        """Send one event once; gives the status, or None without an answer."""
        body = json.dumps({"id": event_id, "type": "memory.stored", "data": {"memoryId": event_id}}).encode()
        signature = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
        try:
            connection.request(
                "POST", "/webhooks/chaozcode", body=body, headers={"X-ChaozCode-Signature": signature}
            )
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def send_until_acknowledged(self, event_id: str) -> None:
        status = wait_until(lambda: self._try(event_id), 90, every_seconds=_TRY_EVERY_SECONDS)
        assert status in (200, 202)
        with self._lock:
            self.acknowledged.append(event_id)

    def _try(self, event_id: str) -> int | None:
        status = self.send(event_id)
        return status if status in (200, 202) else None

    def send_all(
        self,
        ids: Sequence[str],
        *,
        meanwhile: Sequence[tuple[int, Callable[[], None]]] = (),
        threads: int = 4,
    ) -> None:
        """Send all; run each of `meanwhile` once so many were acknowledged."""
        with ThreadPoolExecutor(threads) as pool:
            sent = [pool.submit(self.send_until_acknowledged, event_id) for event_id in ids]
            for number, act in meanwhile:
                wait_until(lambda number=number: len(self.acknowledged) >= number, 90)  # type: ignore[misc]
                act()
            for future in sent:
                future.result()
