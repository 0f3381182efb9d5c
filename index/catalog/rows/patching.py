"""Patching: what becomes of a document of which only a part is sent.

Metadata are merged as JSON Merge Patch has it (RFC 7396): objects key by key, null removes a key,
anything else replaces what was there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from molt.index.catalog.document import Document


@dataclass(frozen=True)
class DocumentPatch:
    """What shall change of the document of an id; None leaves title or text as it is."""

    id: str
    metadata: Mapping[str, Any]
    title: str | None = None
    text: str | None = None


def patched(document: Document, patch: DocumentPatch) -> Document:
    """The document with what the patch says."""
    return replace(
        document,
        metadata=merge_metadata(document.metadata, patch.metadata),
        title=document.title if patch.title is None else patch.title,
        text=document.text if patch.text is None else patch.text,
    )


def merge_metadata(target: object, patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396, section 2; keys stay in their order, new ones come last."""
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge_metadata(merged.get(key), value)
        else:
            merged[key] = value
    return merged


def by_document(patches: Iterable[DocumentPatch]) -> dict[str, list[DocumentPatch]]:
    """Patches by the document's id, each document's in the order in which they came."""
    found: dict[str, list[DocumentPatch]] = {}
    for patch in patches:
        found.setdefault(patch.id, []).append(patch)
    return found
