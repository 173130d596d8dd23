"""Runs revisions on the connection that `store.schema` hands over; never from an alembic.ini."""

from alembic import context

from traceward.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
