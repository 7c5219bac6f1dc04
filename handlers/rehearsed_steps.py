"""`ctx.once()` where nothing is to be kept, as in a dry run: steps are in memory, and no timeout strikes."""


class StepsInMemory:
    """A store of steps that lasts as long as it does; results are JSON, by their keys."""

    def __init__(self, recorded: dict[str, str] | None = None) -> None:
        self.recorded = {} if recorded is None else recorded

    def find(self, key: str) -> str | None:
        return self.recorded.get(key)

    def record(self, key: str, result: str) -> str:
        return self.recorded.setdefault(key, result)


class Unshielded:
    """Where timeouts are not enforced, as in users' tests, there is nothing to keep away."""

    def hold(self) -> None: ...

    def release(self) -> None: ...
