"""Encoding: documents as the columns that keep them, checked; the one way into the catalog."""

from collections.abc import Mapping, Sequence
from typing import Any

from molt.index.catalog.document import Document, passage_text
from molt.index.catalog.fields import check_id, check_text, encode_metadata
from molt.index.catalog.rows.patching import DocumentPatch, merge_metadata, patched
from molt.index.errors import DuplicateDocumentError, InvalidDocumentError, InvalidFieldError


def encode_document(document: Document) -> dict[str, str]:
    """The columns that keep a document; the one check that every writer's documents pass.

    Raises `InvalidDocumentError`, which names the document and the field.
    """
    try:
        return {
            "doc_id": check_id(document.id, field="id"),
            "title": check_text(document.title, field="title"),
            "text": _check_passage(document),
            "metadata": encode_metadata(document.metadata),
        }
    except InvalidFieldError as error:
        raise InvalidDocumentError(document.id, error) from None


def encode_all(documents: Sequence[Document]) -> dict[str, dict[str, str]]:
    """The columns of documents by id. Raises `DuplicateDocumentError` where one comes twice."""
    rows: dict[str, dict[str, str]] = {}
    for document in documents:
        row = encode_document(document)
        if row["doc_id"] in rows:
            raise DuplicateDocumentError(
                f"the document id {document.id!r} comes twice; send each document once"
            )
        rows[document.id] = row
    return rows


def check_patch(patch: DocumentPatch) -> DocumentPatch:
    """A patch that could be applied to some document. Raises `InvalidDocumentError`."""
    try:
        check_id(patch.id, field="id")
        encode_metadata(patch.metadata)
    except InvalidFieldError as error:
        raise InvalidDocumentError(patch.id, error) from None
    return patch


def encode_patched(document: Document, patches: Sequence[DocumentPatch]) -> dict[str, str]:
    """The columns of a document after patches, each of which leaves one that can be kept.

    Raises `InvalidDocumentError`.
    """
    row = {}
    for patch in patches:
        document = patched(document, check_patch(patch))
        row = encode_document(document)
    return row


def encode_merged(
    doc_id: str, metadata: Mapping[str, Any], patches: Sequence[DocumentPatch]
) -> str:
    """Metadata after patches, each of which leaves some that can be kept.

    Raises `InvalidDocumentError`.
    """
    encoded = ""
    for patch in patches:
        metadata = merge_metadata(metadata, check_patch(patch).metadata)
        try:
            encoded = encode_metadata(metadata)
        except InvalidFieldError as error:
            raise InvalidDocumentError(doc_id, error) from None
    return encoded


def _check_passage(document: Document) -> str:
    text = check_text(document.text, field="text")
    if not passage_text(title=document.title, text=text):
        raise InvalidFieldError("text", "is empty, and so is the title; give one of them")
    return text
