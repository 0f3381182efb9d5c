"""Where the catalog is kept: SQLite or PostgreSQL, one set of transactions and errors for both."""
