"""What an import says of what it reads: what was guessed or not used, what names nothing."""

from typing import TYPE_CHECKING

from molt.cli.invocation import Invocation
from molt.cli.output import write_json, write_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from molt.index.catalog.catalog import Catalog
    from molt.index.catalog.collection import Collection
    from molt.index.catalog.judging.relevance import UnknownIds
    from molt.index.files import Source

_LISTED = 20


def remark(call: Invocation, said: str) -> None:
    """Say something worth knowing: on standard error, and as an event where JSON was asked for."""
    write_note(said)
    if call.json:
        write_json({"event": "remark", "said": said})


def note_remarks(call: Invocation, sources: "Sequence[Source]") -> None:
    """Say what of the sources was not read, or was read otherwise than it was written."""
    for source in sources:
        for path in source.unread[:_LISTED]:
            remark(call, f"{path}: not read; import it by its own name if it belongs here")
        if len(source.unread) > _LISTED:
            remark(call, f"{len(source.unread) - _LISTED} more files beside these were not read")
        for said in source.remarks:
            remark(call, said)


def note_unknown(call: Invocation, catalog: "Catalog", collection: "Collection") -> None:
    """Count and name the judgments of documents and queries that the collection does not hold."""
    if not any(catalog.judgments.counts(collection).splits.values()):
        return
    found = {
        "documents": catalog.judgments.unknown_documents(collection),
        "queries": catalog.judgments.unknown_queries(collection),
    }
    for what, unknown in found.items():
        if unknown.judgments:
            remark(call, _sentence(what, unknown))
    if call.json and any(unknown.judgments for unknown in found.values()):
        write_json(
            {"event": "unknown"}
            | {
                what: {"judgments": each.judgments, "ids": list(each.ids)}
                for what, each in found.items()
            }
        )


def _sentence(what: str, unknown: "UnknownIds") -> str:
    plural, name = ("judgments", "name") if unknown.judgments != 1 else ("judgment", "names")
    more = ", …" if unknown.judgments > len(unknown.ids) else ""
    ids = ", ".join(unknown.ids)
    return (
        f"{unknown.judgments} {plural} {name} {what} that the collection does not hold ({ids}"
        f"{more}); import them too, or mend the ids: nothing is measured or learnt by these"
    )
