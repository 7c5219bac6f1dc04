"""HOOKS_KEEP_PROJECT_HISTORY=true: keeps the settings that a project had, and what each change changed."""

from collections.abc import Mapping

from clients.chaozcode.errors import NotFound
from eventlog.project_history import record_change
from handlers import Context, Event, Router, Skip

router = Router()


@router.on("project.updated", order="strict", retries=5, timeout=30, dry_run=True)
def keep_project_history(event: Event, ctx: Context) -> None:
    if event.subject is None:
        raise Skip("the event names no project")
    # What the event holds is not documented: the API is asked where it has no settings.
    settings = event.data.get("settings")
    if not isinstance(settings, Mapping):
        try:
            settings = ctx.chaozcode.projects.get(event.subject).settings
        except NotFound:
            raise Skip("the project is not there any more") from None
    if settings is None:
        raise Skip("the project has no settings")
    # Beside the event log, in one transaction with this handler's outcome: each event is recorded once.
    with ctx.transaction() as session:
        record_change(
            session,
            project_id=event.subject,
            event_id=event.id,
            changed_at=event.created_at or event.received_at,
            settings=settings,
        )
