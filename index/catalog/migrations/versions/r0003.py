"""Judgments are known by a digest: two long ids together are more than PostgreSQL can index."""

from hashlib import blake2b

import orjson
import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.columns import IDENTIFIER, owner

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ROWS = 1000
_FORMER = sa.table(
    "former_judgments",
    *(sa.column(name) for name in ("collection_id", "query_id", "doc_id", "grade", "split")),
)


def upgrade() -> None:
    """Make the table anew, with every judgment that it held."""
    op.execute("CREATE TABLE former_judgments AS SELECT * FROM judgments")
    op.drop_table("judgments")
    judgments = _create_judgments()
    connection = op.get_bind()
    found = connection.execute(sa.select(_FORMER), execution_options={"yield_per": _ROWS})
    for rows in found.partitions():
        kept = [row._asdict() | {"digest": _digest(row.query_id, row.doc_id)} for row in rows]
        connection.execute(sa.insert(judgments), kept)
    op.drop_table("former_judgments")


def _create_judgments() -> sa.Table:
    return op.create_table(
        "judgments",
        owner(),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("query_id", IDENTIFIER, nullable=False),
        sa.Column("doc_id", IDENTIFIER, nullable=False),
        sa.Column("grade", sa.Integer, nullable=False),
        sa.Column("split", sa.Text),
    )


def _digest(query_id: str, doc_id: str) -> bytes:
    return blake2b(orjson.dumps([query_id, doc_id]), digest_size=16).digest()
