"""Runs migrations on the connection, and in the transaction, that `molt.index.schema` gives."""

from alembic import context

from molt.index.tables import metadata

options = context.config.attributes
context.configure(
    connection=options["connection"],
    target_metadata=metadata,
    version_table=options["version_table"],
)
context.run_migrations()
