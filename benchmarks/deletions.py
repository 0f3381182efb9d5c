"""How far are scores by words off while deleted documents still count?

    python -m benchmarks.deletions --data ../shared/data

The products of a shop are indexed, some of them deleted or all of them updated, and the shop's
queries are searched for by words: beside an index that was made anew of what is left, by how much
are scores off, and how much of the first ten hits is the same?
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tantivy import Index, Query

from benchmarks.options import parser
from benchmarks.record import Table, machine_facts, record
from molt.index.catalog.document import Document
from molt.index.catalog.documents import StoredDocument
from molt.index.lexical.analysis import DEFAULT_ANALYSIS, Analyzer
from molt.index.lexical.commit import LexicalCommit
from molt.index.lexical.lexical_index import LexicalIndex
from molt.index.lexical.planning import Planner
from molt.index.lexical.schema import ORDINAL, TOKENIZER, lexical_schema, row_of

CORPUS = "chorus_icecat"
SEED = 20_261
DEPTH = 50
_MEMORY = 64 * 2**20
_SCHEMA = lexical_schema(DEFAULT_ANALYSIS)


def read(path: Path) -> Iterator[Any]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def indexed(documents: Sequence[Document], *changes: tuple[list[int], list[int]]) -> LexicalIndex:
    """An index after `changes`: in each some documents, by place, are deleted, and some added."""
    analyzer, index = Analyzer(DEFAULT_ANALYSIS), Index(_SCHEMA)
    index.register_tokenizer(TOKENIZER, analyzer.tantivy)
    writer, written = index.writer(_MEMORY, 1), 0
    for gone, added in changes:
        if gone:
            writer.delete_documents_by_query(Query.term_set_query(_SCHEMA, ORDINAL, gone))
        for place in added:
            row = row_of(StoredDocument(place, 0, documents[place]), DEFAULT_ANALYSIS)
            writer.add_document(row)
            written += 1
        writer.commit()
    index.reload()
    opened = Planner(analyzer, _SCHEMA, index.searcher(), n_written=written)
    commit = LexicalCommit("measured", 0, 0, len(documents), DEFAULT_ANALYSIS, {})
    return LexicalIndex(commit, Path(), opened=opened)


def ranked(index: LexicalIndex, query: str) -> dict[int, float]:
    """The best documents and their scores, best first."""
    found = index.search(index.plan(query), k=DEPTH)
    order = np.lexsort((found.ordinals, -found.scores))
    return dict(zip(found.ordinals[order].tolist(), found.scores[order].tolist(), strict=True))


def compared(name: str, old: LexicalIndex, new: LexicalIndex, queries: Sequence[str]) -> dict:
    """How much the rankings of the two differ."""
    off, same, first = [], [], []
    for query in queries:
        was, now = ranked(old, query), ranked(new, query)
        if now:
            off += [abs(was[one] / now[one] - 1) for one in now if one in was]
            tops = list(was)[:10], list(now)[:10]
            same.append(len(set(tops[0]) & set(tops[1])) / len(tops[1]))
            first.append(tops[0][:1] == tops[1][:1])
    return {
        "what was done": name,
        "scores off, median": f"{np.median(off):.1%}",
        "95 % by less than": f"{np.percentile(off, 95):.1%}",
        "of the first ten the same": f"{np.mean(same):.1%}",
        "the first the same": f"{np.mean(first):.1%}",
    }


def main() -> None:
    """Measure, and record."""
    arguments, machine = parser(__doc__).parse_args(), machine_facts()
    folder = arguments.data / CORPUS
    documents = [
        Document(one["_id"], one["text"], one.get("title", ""))
        for one in read(folder / "corpus.jsonl")
    ]
    queries = [one["text"] for one in read(folder / "queries.jsonl")]
    every = list(range(len(documents)))
    drawn = np.random.default_rng(SEED).permutation(len(documents)).tolist()
    alike = sorted(every, key=lambda at: documents[at].title)
    cases = {
        f"{share:.0%} deleted, {how}": (order[: int(share * len(order))], [])
        for how, order in (("drawn by chance", drawn), ("alike by their titles", alike))
        for share in (0.1, 0.3, 0.6, 0.9)
    }
    cases["all updated once"] = (every, every)
    rows = []
    for name, (gone, added) in cases.items():
        left = added or sorted(set(every) - set(gone))
        old = indexed(documents, ([], every), (gone, added))
        rows.append(compared(name, old, indexed(documents, ([], left)), queries))
        print(rows[-1], flush=True)
    record(
        "deletions",
        machine=machine,
        targets=[],
        tables=[Table(f"{len(documents)} documents, {len(queries)} queries", rows)],
        details={},
    )


if __name__ == "__main__":
    main()
