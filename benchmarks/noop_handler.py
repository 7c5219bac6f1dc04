"""The handler that is measured: it does nothing."""

from handlers import Context, Event, Router

router = Router()


@router.on("*")
def nothing(_event: Event, _ctx: Context) -> None:
    pass
