"""The Alembic environment of the catalog. Only `molt.index.schema` runs it."""
