"""The imitated ChaozCode: all that it remembers, in memory, under one lock."""

import random
from collections.abc import Callable
from datetime import datetime

from sandbox.keys import ApiKeys
from sandbox.plans import PlanName
from sandbox.state.account import Account
from sandbox.state.agents import Agents
from sandbox.state.conversations import Conversations
from sandbox.state.ground import Ground
from sandbox.state.memories import Memories
from sandbox.state.projects import Projects
from sandbox.state.webhooks import Webhooks


class World:
    """The state of one sandbox, for any number of threads; nothing of it outlives the process."""

    keys: ApiKeys
    account: Account
    memories: Memories
    conversations: Conversations
    agents: Agents
    projects: Projects
    webhooks: Webhooks

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        chance: random.Random,
        plan: PlanName = "team",
        usage_limit: int | None = None,
        agent_seconds: float = 1.0,
        one_webhook_per_url: bool = False,
    ) -> None:
        """`now` gives aware times; `plan` is that of all keys but production ones, which have the next.

        `usage_limit` is what the thresholds of usage refer to; None: the plan's requests a day.
        `agent_seconds` is how long an agent runs. `one_webhook_per_url` refuses a second one with 409.
        """
        self.ground = Ground(now=now, chance=chance)
        self._plan = plan
        self._usage_limit = usage_limit
        self._agent_seconds = agent_seconds
        self._one_webhook_per_url = one_webhook_per_url
        self.reset()

    def reset(self) -> None:
        """Forget everything but the fixed keys."""
        with self.ground.lock:
            self.keys = ApiKeys(self.ground, plan=self._plan)
            self.account = Account(self.ground, plan=self._plan, usage_limit=self._usage_limit)
            self.memories = Memories(self.ground)
            self.conversations = Conversations(self.ground)
            self.agents = Agents(self.ground, run_seconds=self._agent_seconds)
            self.projects = Projects(self.ground)
            self.webhooks = Webhooks(self.ground, one_per_url=self._one_webhook_per_url)
