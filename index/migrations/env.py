"""Runs migrations on the connection that `index.database.migrate` hands over, inside its transaction."""

from alembic import context

from index.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
