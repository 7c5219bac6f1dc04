"""How a worker's handlers reach both APIs: with the keys that are set, and within the plan's limits."""

from clients.limiter import PLANS, Limiter
from clients.settings import ApiSettings
from handlers.apis import Apis
from workers.shared_limiter import SharedLimiter


def apis_of(settings: ApiSettings, *, redis_url: str) -> Apis:
    """Give it for a process; nothing is connected before a handler makes a call."""
    return Apis.of(settings, limiter=_limiter(settings, redis_url))


def _limiter(settings: ApiSettings, redis_url: str) -> Limiter | None:
    if settings.chaozcode_key is None or settings.chaozcode_plan == "none":
        return None
    # Without a plan, "auto", it goes by what replies say.
    return SharedLimiter.connect(
        redis_url, key=settings.chaozcode_key.get_secret_value(), plan=PLANS.get(settings.chaozcode_plan)
    )
