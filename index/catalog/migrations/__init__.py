"""The Alembic environment of the catalog. Only `molt.index.catalog.schema` runs it."""
