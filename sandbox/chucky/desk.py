"""Takes prompts: within budgets, so many at once, each answered from the script and charged to its user."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from sandbox.chucky.budget import Budgets, Ledger
from sandbox.chucky.request import Prompt, RequestRefused
from sandbox.chucky.script import Answer, Script, Scripted
from sandbox.chucky.token import Holder, TokenNotAccepted, read_token


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    user_id: str
    began_at: datetime


class Desk:
    """All that the sandbox knows of Chucky, for any number of threads."""

    def __init__(self, *, now: Callable[[], datetime], chance: Random) -> None:
        self._now = now
        self._chance = chance
        self._turn = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget scripted replies and usage, and set the usual budgets."""
        with self._turn:
            self._ledger = Ledger(self._now)
            self._script = Script()
            self._sessions: dict[str, _Session] = {}

    def holder(self, token: object) -> Holder:
        """Give whom a token names; raises `RequestRefused`."""
        try:
            return read_token(token, self._now())
        except TokenNotAccepted as error:
            raise RequestRefused(401, str(error)) from error

    def begin(self, holder: Holder, prompt: Prompt) -> Answer:
        """Take a prompt, which runs until it is ended; raises `RequestRefused`."""
        with self._turn:
            self._require_budget(holder)
            self._require_place()
            session_id = str(UUID(int=self._chance.getrandbits(128), version=4))
            self._sessions[session_id] = _Session(user_id=holder.user_id, began_at=self._now())
            return self._script.answer(
                prompt.message, system_prompt=prompt.system_prompt, session_id=session_id
            )

    def end(self, answer: Answer) -> None:
        """End a prompt and charge it; a second time it does nothing."""
        with self._turn:
            session = self._sessions.pop(answer.session_id, None)
            if session is not None:
                self._ledger.charge(
                    session.user_id,
                    ai_microdollars=round(answer.cost_usd * 1_000_000),
                    compute_seconds=max(1, math.ceil(answer.seconds)),
                )

    def usage(self, holder: Holder) -> dict[str, Any]:
        with self._turn:
            return self._ledger.usage(holder.user_id, holder.issuer_id)

    def add_replies(self, replies: list[Scripted]) -> None:
        with self._turn:
            self._script.add(replies)

    def replies(self) -> list[Scripted]:
        with self._turn:
            return self._script.listed()

    def clear_replies(self) -> None:
        with self._turn:
            self._script.clear()

    @property
    def budgets(self) -> Budgets:
        return self._ledger.budgets

    def set_budgets(self, budgets: Budgets) -> None:
        with self._turn:
            self._ledger.set_budgets(budgets)

    def _require_budget(self, holder: Holder) -> None:
        developer = self._ledger.developer()
        if not developer["available"]:
            raise RequestRefused(402, "developer_budget_exhausted", **developer)
        if not self._ledger.is_allowed(holder.user_id):
            raise RequestRefused(429, "user_budget_exhausted", **self._ledger.figures(holder.user_id))

    def _require_place(self) -> None:
        most = self._ledger.budgets.most_at_once
        if len(self._sessions) < most:
            return
        sessions = [
            {
                "sessionId": session_id,
                "userId": session.user_id,
                "ageMs": round((self._now() - session.began_at).total_seconds() * 1000),
            }
            for session_id, session in self._sessions.items()
        ]
        raise RequestRefused(
            429, "concurrent_limit_reached", active=len(sessions), max=most, sessions=sessions
        )
