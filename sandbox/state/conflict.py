"""What a change of the state can run into."""


class NoSuchThing(LookupError):  # noqa: N818 - errors here name what happened
    """Nothing has this id, or it was deleted."""

    def __init__(self, kind: str, given_id: str) -> None:
        super().__init__(f"there is no {kind} {given_id[:255]!r}")


class Clash(ValueError):  # noqa: N818 - errors here name what happened
    """What is there already stands against it."""
