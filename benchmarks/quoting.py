"""How often is the sentence right that highlights and answers choose?

    python -m benchmarks.quoting --data ../shared/data

Two questions. Of the sentences of a Wikipedia article, which WikiQA has judged one by one, is the
one that is chosen judged to answer? It is chosen by token vectors that were made of the whole, next
to encoding each sentence by itself. And of ten hits, is the sentence that is named of a judged
document, and is none named where the documents that answer were taken out, as they are here for
every other query?
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.beir import Corpus, read_corpus
from benchmarks.legs import LazyEncoder
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from molt.encoder import Encoder, InputType, Lane
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.maxsim import Nearness
from molt.encoder.late_interaction.relevance import probabilities, relevance_logits
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.engine.search.highlights.answering import ANSWER_CHARS, ANSWER_HITS, LEAST_LIKELY
from molt.engine.search.highlights.sentences import pieces

SEED = 1
QUERIES, OTHERS = 240, 800
"""Queries of each corpus, and documents beside those that are judged for them."""
THRESHOLDS = (0.0, 0.5, 0.6, 0.7, LEAST_LIKELY, 0.9)
CORPORA = ("wikiqa", "medquad")
Scores = npt.NDArray[np.float32]


def chosen_sentences(corpus: Corpus, encoder: Encoder) -> dict[str, Any]:
    """How often the best sentence of an article answers, by each way of choosing it."""
    texts = dict(zip(corpus.doc_ids, corpus.texts, strict=True))
    interaction = LateInteraction(TokenCache(2**30))
    right: dict[str, list[float]] = {}
    for query_id, query in zip(corpus.query_ids, corpus.queries, strict=True):
        grades = corpus.qrels[query_id]
        said = [texts[doc_id] for doc_id in grades]
        answers = np.array([grade > 0 for grade in grades.values()])
        near = interaction.compare_spans(encoder, query, [" ".join(said)], [_spans(said)])
        (found,) = near.nearness
        read = ~np.isnan(found.cosine)
        if not answers[read].any():
            continue
        alone = _vectors(encoder, said, InputType.DOCUMENT) @ _vectors(
            encoder, [query], InputType.QUERY
        ).reshape(-1)
        for name, scores in _ways(found, alone).items():
            best = int(np.where(read, scores, -np.inf).argmax())
            right.setdefault(name, []).append(float(answers[best]))
        right.setdefault("by chance", []).append(float(answers[read].mean()))
    means = {name: float(np.mean(values)) for name, values in right.items()}
    return {"articles": len(right["by chance"]), **means}


def _ways(found: Nearness, alone: Scores) -> dict[str, Scores]:
    return {
        "log-odds": relevance_logits(found),
        "MaxSim": found.maxsim,
        "cosine": found.cosine,
        "encoded alone": alone,
    }


def _spans(sentences: list[str]) -> list[tuple[int, int]]:
    """Where each stands in all of them, joined by spaces."""
    ends = np.cumsum([len(one) + 1 for one in sentences]) - 1
    return [(int(end) - len(one), int(end)) for one, end in zip(sentences, ends, strict=True)]


def _vectors(encoder: Encoder, texts: list[str], input_type: InputType) -> Scores:
    return encoder.encode(texts, input_type=input_type, lane=Lane.INTERACTIVE).vectors


@dataclass(frozen=True)
class Named:
    """The sentence that was named for each query, `(n,)` each.

    `score` is its probability, `right` where its document is judged to answer, `answerable` where
    there was any.
    """

    score: Scores
    right: npt.NDArray[np.bool_]
    answerable: npt.NDArray[np.bool_]


def named_sentences(corpus: Corpus, encoder: Encoder) -> Named:
    """Name a sentence for each query, having taken out what answers every other one."""
    random = np.random.default_rng(SEED)
    asked = [
        (query_id, query)
        for query_id, query in zip(corpus.query_ids, corpus.queries, strict=True)
        if any(corpus.qrels[query_id].values())
    ]
    asked = [asked[at] for at in random.permutation(len(asked))[:QUERIES].tolist()]
    relevant = [{doc for doc, grade in corpus.qrels[one].items() if grade} for one, _ in asked]
    removed = set[str]().union(*relevant[::2])
    pool = {doc for query_id, _ in asked for doc in corpus.qrels[query_id]}
    pool |= {corpus.doc_ids[at] for at in random.permutation(len(corpus.doc_ids))[:OTHERS].tolist()}
    kept = sorted(pool - removed)
    whole = dict(zip(corpus.doc_ids, corpus.texts, strict=True))
    texts = [whole[doc_id] for doc_id in kept]
    documents = encoder.embed_documents(texts)
    interaction = LateInteraction(TokenCache(2**30))
    scores, right, answerable = [], [], []
    for (_, query), answers in zip(asked, relevant, strict=True):
        vector = _vectors(encoder, [query], InputType.QUERY)[0]
        top = np.argsort(-(documents @ vector))[:ANSWER_HITS].tolist()
        best, at = _best(interaction, encoder, query, [texts[one] for one in top])
        scores.append(best)
        right.append(kept[top[at]] in answers)
        answerable.append(not answers <= removed)
    return Named(np.array(scores, np.float32), np.array(right), np.array(answerable))


def _best(
    interaction: LateInteraction, encoder: Encoder, query: str, texts: list[str]
) -> tuple[float, int]:
    """The probability of the likeliest sentence, and which text has it."""
    spans = [
        [(one.start, one.end) for one in pieces(text, 0, len(text), size=ANSWER_CHARS)]
        for text in texts
    ]
    found = interaction.compare_spans(encoder, query, texts, spans).nearness
    best = [float(np.nanmax(relevance_logits(near), initial=-99.0)) for near in found]
    at = int(np.argmax(best))
    return float(probabilities(np.array([best[at]], np.float32))[0]), at


def _at_thresholds(name: str, named: Named) -> list[dict[str, Any]]:
    can = named.answerable
    rows = []
    for least in THRESHOLDS:
        told = named.score >= least
        rows.append(
            {
                "corpus": name,
                "least": least,
                "answerable": int(can.sum()),
                "of these named": float(told[can].mean()),
                "of these right": float(named.right[told & can].mean()),
                "not answerable": int((~can).sum()),
                "of these none named": float((~told[~can]).mean()),
            }
        )
    return rows


def main() -> None:
    """Choose and name sentences, and record how often they were right."""
    arguments = parser(__doc__).parse_args()
    machine = machine_facts()
    encoder = LazyEncoder(Path(arguments.scratch)).opened
    articles = chosen_sentences(read_corpus(arguments.data / "wikiqa"), encoder)
    rows = []
    for name in CORPORA:
        named = named_sentences(read_corpus(arguments.data / name), encoder)
        rows += _at_thresholds(name, named)
    gain = articles["log-odds"] - articles["encoded alone"]
    record(
        "quoting",
        machine=machine,
        targets=[Target("chosen by tokens of the whole, above encoded alone", gain, ">=", 0.0)],
        tables=[
            Table("The best sentence of an article answers", [articles]),
            Table("The sentence that is named of ten hits", rows),
        ],
        details={},
    )


if __name__ == "__main__":
    main()
