"""Damage: what a failing disk does to a file."""

import sqlite3
from contextlib import closing
from pathlib import Path

from molt.index.catalog.catalog import Catalog, sqlite_path
from molt.index.catalog.storage.soundness import sqlite_flaws


def flip_a_bit(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def flaws_of(catalog: Catalog) -> list[str]:
    """What SQLite finds wrong with a catalog; of PostgreSQL nothing is known."""
    path = sqlite_path(str(catalog.database.engine.url))
    return [] if path is None else sqlite_flaws(path)


def spoil(catalog: Catalog, statement: str) -> None:
    """Change rows behind the back of the triggers, as a disk would."""
    path = str(catalog.database.engine.url.database)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
