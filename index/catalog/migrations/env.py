"""Runs migrations on the connection, and in the transaction, that `schema` gives."""

from alembic import context

from molt.index.catalog.tables import metadata

options = context.config.attributes
context.configure(
    connection=options["connection"],
    target_metadata=metadata,
    version_table=options["version_table"],
)
context.run_migrations()
