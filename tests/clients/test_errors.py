import copy
import pickle

import pytest

from clients.chaozcode.errors import AgentUnfinished, RateLimited, UnexpectedStatus
from clients.chucky.errors import ConcurrencyLimitReached, UserBudgetExhausted
from clients.errors import ApiError, KeyMissing, LimitReached, StreamCut


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("busy", status=429, code="RATE_LIMITED", details={"a": 1}, retry_after=3),
        UnexpectedStatus("teapot", status=418),
        UserBudgetExhausted("spent", permanent=True),
        ConcurrencyLimitReached("many", active=5, max=5),
        StreamCut("cut", received=("part",), text="a"),
        LimitReached(2),
        KeyMissing("CHAOZCODE_API_KEY", "ChaozCode"),
        AgentUnfinished("agent_1", "running"),
    ],
)
def test_an_error_is_the_same_on_the_other_side_of_a_process(error: ApiError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is type(error)
        assert (str(other), vars(other)) == (str(error), vars(error))
