import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.sandbox.imitation import Imitation


def test_a_reset_forgets_everything_but_the_fixed_keys() -> None:
    api = Imitation()
    api.post("/memory/store", {"id": "m", "content": "c"})
    made: Any = api.post("/user/api-keys", {}).json
    project: Any = api.post("/projects", {"name": "n"}).json
    api.post("/webhooks", {"url": "https://receiver.example/", "events": ["memory.stored"]})
    api.world.reset()
    assert api.get("/memory/m").status_code == 404
    assert api.get(f"/projects/{project['id']}").status_code == 404
    assert api.get("/webhooks").json == {"webhooks": []}
    assert api.get("/models", key=made["key"]).status_code == 401
    usage: Any = api.get("/user/usage").json
    assert usage["apiCalls"] == 4


def test_an_agent_of_before_a_reset_ends_in_silence() -> None:
    api = Imitation()
    api.post("/agents/spawn", {"type": "task", "prompt": "p"})
    api.world.reset()
    api.subscribe("agent.completed")
    api.clock.pass_by(10)
    assert api.emitted() == []


@pytest.fixture
def threads_that_change_often() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("threads_that_change_often")
def test_many_threads_at_once_lose_nothing_and_pass_no_limit() -> None:
    api = Imitation(plan="pro")
    api.subscribe("memory.stored")

    def store(place: int) -> TestResponse:
        return api.post("/memory/store", {"id": f"m{place // 3}", "content": "c"})

    with ThreadPoolExecutor(8) as pool:
        statuses = [response.status_code for response in pool.map(store, range(130))]
    assert statuses.count(429) == 30
    assert statuses.count(201) + statuses.count(409) == 100
    stored = {memory.id for memory in api.world.memories.all()}
    assert len(stored) == statuses.count(201)
    assert sorted(data["memoryId"] for _, data in api.emitted()) == sorted(stored)
    assert api.world.account.usage().api_calls == 100
