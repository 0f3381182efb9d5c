"""Pairs keep texts that do not answer, scores, and the split that they are meant for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ADDED = ("negative", "score", "split")
_PLACE = "{row}collection_id || '/' || hex({row}digest)"


def upgrade() -> None:
    """Add the columns; the checksums of pairs are made anew."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        for event in ("inserted", "updated", "deleted"):
            op.execute(f"DROP TRIGGER pairs_{event}")
        op.execute("DELETE FROM checksums WHERE kind = 'pairs'")
    for name in _ADDED:
        op.add_column("pairs", sa.Column(name, sa.Text))
    if is_sqlite:
        found = sa.inspect(op.get_bind()).get_columns("pairs")
        for statement in _statements(sorted(column["name"] for column in found)):
            op.execute(statement)


def _statements(columns: list[str]) -> list[str]:
    """The checksums of the rows that are there, and triggers for those to come."""
    new, old, own = (_PLACE.format(row=row) for row in ("NEW.", "OLD.", ""))
    forget = "DELETE FROM checksums WHERE kind = 'pairs' AND place = "
    lose = f"{forget}{old}"
    add = f"INSERT INTO checksums VALUES ('pairs', {new}, {_digest('NEW.', columns)})"  # noqa: S608  our own names
    keep = f"{forget}{new}; {add}"
    return [
        f"INSERT INTO checksums SELECT 'pairs', {own}, {_digest('', columns)} FROM pairs",  # noqa: S608
        f"CREATE TRIGGER pairs_inserted AFTER INSERT ON pairs BEGIN {keep}; END",
        f"CREATE TRIGGER pairs_updated AFTER UPDATE ON pairs BEGIN {lose}; {keep}; END",
        f"CREATE TRIGGER pairs_deleted AFTER DELETE ON pairs BEGIN {lose}; END",
    ]


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
