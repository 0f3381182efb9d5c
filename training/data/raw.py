"""Raw data: everything that sources say about relevance, side by side, before it is cleaned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from molt.index.catalog.document import Document, passage_text
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.training.data.cleaning.text import collapse
from molt.training.data.config import DataConfig
from molt.training.errors import DataError

_LISTED = 5


@dataclass(frozen=True)
class Triplet:
    """A query with a text that answers it, or the document that does, and a text that does not."""

    query: str
    positive: str | None
    negative: str
    doc_id: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class ScoredPair:
    """A query with a text, or a document by its id, and how relevant that is: 0 to 1."""

    query: str
    document: str | None
    score: float
    doc_id: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Origin:
    """A file or a collection that was read; `rows` are the good ones, `rejected` the bad."""

    name: str
    sha256: str
    rows: int
    rejected: int = 0


@dataclass(frozen=True)
class RawData:
    """Records as they came; `rejected`: every bad row as `path:line: why`; what was not used."""

    documents: tuple[Document, ...] = ()
    queries: tuple[Query, ...] = ()
    judgments: tuple[Judgment, ...] = ()
    pairs: tuple[Pair, ...] = ()
    triplets: tuple[Triplet, ...] = ()
    scored: tuple[ScoredPair, ...] = ()
    origins: tuple[Origin, ...] = ()
    rejected: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def sort_pairs(pairs: Iterable[Pair]) -> RawData:
    """Pairs as a collection keeps them, each as what it says."""
    plain: list[Pair] = []
    triplets: list[Triplet] = []
    scored: list[ScoredPair] = []
    for one in pairs:
        if one.negative is not None:
            triplets.append(Triplet(one.query, one.positive, one.negative, one.doc_id, one.split))
        elif one.score is not None:
            scored.append(ScoredPair(one.query, one.positive, one.score, one.doc_id, one.split))
        else:
            plain.append(one)
    return RawData(pairs=tuple(plain), triplets=tuple(triplets), scored=tuple(scored))


def combine(*sources: RawData) -> RawData:
    """All of them together; none goes before another.

    Raises `DataError` where one id stands for different texts in two sources: what is judged
    would be unknown.
    """
    _check_ids("document", ({one.id: _passage(one) for one in raw.documents} for raw in sources))
    _check_ids("query", ({one.id: collapse(one.text) for one in raw.queries} for raw in sources))
    return join(*sources)


def join(*parts: RawData) -> RawData:
    """The records of parts one after the other; their ids are taken to mean the same."""
    joined: dict[str, Any] = {
        field.name: tuple(one for raw in parts for one in getattr(raw, field.name))
        for field in fields(RawData)
    }
    return RawData(**joined)


def check_rejected(raw: RawData, config: DataConfig) -> None:
    """Raise `DataError` where a source has more bad rows than may be left out."""
    for origin in raw.origins:
        share = origin.rejected / max(1, origin.rows + origin.rejected)
        if share > config.max_rejected_share:
            listed = [row for row in raw.rejected if row.startswith(f"{origin.name}:")][:_LISTED]
            raise DataError(
                f"{origin.name}: {origin.rejected} of {origin.rows + origin.rejected} rows are "
                f"bad, a share of {share:.2f} where {config.max_rejected_share:.2f} may be left "
                "out; mend the file or raise data.max_rejected_share. The first of them:\n"
                + "\n".join(listed)
            )


def _passage(document: Document) -> str:
    return collapse(passage_text(title=document.title, text=document.text))


def _check_ids(what: str, sources: Iterable[Mapping[str, str]]) -> None:
    known: dict[str, str] = {}
    for texts in sources:
        for name in known.keys() & texts.keys():
            if known[name] != texts[name]:
                raise DataError(
                    f"the {what} id {name!r} stands for {known[name][:80]!r} in one source and for "
                    f"{texts[name][:80]!r} in another; rename one of them, or bring the same text"
                )
        known |= texts
