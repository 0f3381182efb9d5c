"""`/collections/{collection}/export`: every document, as it could be sent again."""

from collections.abc import Iterator

from fastapi import Request
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import encode
from molt.app.http.auth import Access, allow
from molt.app.http.bodies import NDJSON
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath
from molt.app.routes.conditions import tagged
from molt.app.routes.documents.spool import PIECE, Spool, Spooled
from molt.app.service import service_of
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.document import Document
from molt.index.catalog.rows.exporting import CollectionRecords, reading_records

router = new_router("documents")

COUNT = "X-Molt-Documents"
"""The header that says how many lines there are."""


@router.get(
    "/collections/{collection}/export",
    operation_id="export_documents",
    response_class=Response,
    responses={
        200: {
            "description": "a document a line",
            "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/DocumentBody"}}},
        },
        404: {"description": "no such collection"},
    },
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.EXPORTS)
async def get_export(request: Request, collection: CollectionPath) -> Spooled:
    """Every document of a collection, as they all were at one moment."""
    service = service_of(request)
    catalog = service.engine.catalog
    spool = Spool(service.settings.layout.cache, stopping=lambda: service.stopping)
    await spool.start(admission_of(request), lambda spool: _write(spool, catalog, collection))
    return Spooled(spool, media_type=NDJSON)


def _write(spool: Spool, catalog: Catalog, name: str) -> None:
    """The answer begins with its first piece on disk: a full one is an error."""
    with reading_records(catalog.database, name) as records:
        found = records.collection
        head = tagged(found.revision) | {COUNT: str(found.documents)}
        for piece in _pieces(records):
            spool.write(piece)
            spool.begin(head)


def _pieces(records: CollectionRecords) -> Iterator[bytes]:
    piece = bytearray()
    for document in records.documents():
        piece += _line(document)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _line(document: Document) -> bytes:
    values = {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "metadata": document.metadata,
    }
    return encode(values) + b"\n"
