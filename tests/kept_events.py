"""What is kept of events, for tests: the service itself has no use for single ones yet."""

from sqlalchemy import select

from molt.index.catalog import tables
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.events import Event
from molt.index.catalog.fields import decode_metadata


def kept_events(catalog: Catalog, collection: Collection) -> list[Event]:
    """The events of a collection in the order of their arrival."""
    columns = tables.events.c
    query = select(tables.events).where(columns.collection_id == collection.id)
    with catalog.database.reading() as connection:
        rows = [dict(row) for row in connection.execute(query.order_by(columns.id)).mappings()]
    for row in rows:
        del row["id"], row["collection_id"]
        row["rest"] = decode_metadata(row["rest"])
    return [Event(**row) for row in rows]
