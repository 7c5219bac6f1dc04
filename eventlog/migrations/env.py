"""Alembic's entry: runs the migrations on the connection that `eventlog.schema.upgrade` opened."""

from alembic import context

from eventlog.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
