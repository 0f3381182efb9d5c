"""Tasks: the examples to learn from, by what they say and where they come from.

Whatever has a query of dev or test, or one near to it, is left out. Judges no objective.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Pair
from molt.training.data.cleaning.clean import CleanData
from molt.training.data.cleaning.findings import Findings, shorten
from molt.training.data.cleaning.text import text_key
from molt.training.data.config import DataConfig, Weighting
from molt.training.data.dataset import Corpus, Example, Split, Task, TaskKind
from molt.training.data.held_out import HeldOut
from molt.training.data.raw import ScoredPair, Triplet
from molt.training.data.splits import Splits

_One = TypeVar("_One", Pair, Triplet, ScoredPair)
_DIGITS = 6  # the same on every machine
JUDGMENTS = "judgments"
_GRADES = "grades"
PAIRS = "pairs"
TRIPLETS = "triplets"
SCORES = "scores"


def make_tasks(
    data: CleanData, splits: Splits, *, config: DataConfig, findings: Findings
) -> tuple[Task, ...]:
    """Every task that has an example, in a fixed order."""
    held_out = HeldOut(
        {SplitName.TEST: _keys(splits.test), SplitName.DEV: _keys(splits.dev)},
        threshold=config.near_duplicate,
    )
    pairs = _unless_refuted(_pair_examples(data, findings), splits.train, findings)
    triplets = (
        Example(one.query, one.positive or "", one.negative)
        for one in _not_held(TRIPLETS, data.triplets, findings)
    )
    scored = (
        Example(one.query, one.document or "", score=one.score)
        for one in _not_held(SCORES, data.scored, findings)
    )
    found = [
        (JUDGMENTS, TaskKind.POSITIVES, _positives(splits.train, data.corpus)),
        (_GRADES, TaskKind.SCORED, _graded(splits.train, data.corpus)),
        (PAIRS, TaskKind.POSITIVES, _unseen(PAIRS, pairs, held_out, findings)),
        (TRIPLETS, TaskKind.TRIPLETS, _unseen(TRIPLETS, triplets, held_out, findings)),
        (SCORES, TaskKind.SCORED, _unseen(SCORES, scored, held_out, findings)),
    ]
    tasks = (
        _task(Task(name, kind, tuple(examples)), config=config, findings=findings)
        for name, kind, examples in found
    )
    return tuple(task for task in tasks if task.examples)


def _keys(split: Split) -> list[str]:
    return [text_key(query.text) for query in split.queries.values()]


def _positives(train: Split, corpus: Corpus) -> Iterator[Example]:
    return (one for one in _judged(train, corpus) if one.score > 0)


def _graded(train: Split, corpus: Corpus) -> Iterator[Example]:
    """All judgments of the queries whose documents differ in grade; 0 is a grade too."""
    telling = {
        query_id for query_id, grades in train.qrels.items() if len(set(grades.values())) > 1
    }
    return (one for one in _judged(train, corpus) if one.query_id in telling)


def _judged(train: Split, corpus: Corpus) -> Iterator[Example]:
    texts = _texts(corpus)
    given = (grade for grades in train.qrels.values() for grade in grades.values())
    largest = max(given, default=1)
    for query_id, grades in train.qrels.items():
        query = train.queries[query_id].text
        for doc_id, grade in grades.items():
            score = grade / largest
            yield Example(query, texts[doc_id], score=score, query_id=query_id, doc_id=doc_id)


def _not_held(what: str, given: Iterable[_One], findings: Findings) -> Iterator[_One]:
    """Those that are not meant for dev or test."""
    for one in given:
        if one.split in {SplitName.DEV, SplitName.TEST}:
            findings.drop(what, f"of {one.split}, which is not learnt from", example=one.query)
        else:
            yield one


def _pair_examples(data: CleanData, findings: Findings) -> Iterator[Example]:
    texts = _texts(data.corpus)
    for pair in _not_held(PAIRS, data.pairs, findings):
        text = pair.positive or texts[pair.doc_id or ""]
        yield Example(pair.query, text, doc_id=pair.doc_id)


def _texts(corpus: Corpus) -> dict[str, str]:
    return {
        document.id: text for document, text in zip(corpus.documents, corpus.texts, strict=True)
    }


def _unless_refuted(
    pairs: Iterable[Example], train: Split, findings: Findings
) -> Iterator[Example]:
    """A judgment goes before a pair: what was judged not relevant is no positive."""
    refuted = {
        (text_key(train.queries[query_id].text), doc_id)
        for query_id, grades in train.qrels.items()
        for doc_id, grade in grades.items()
        if grade == 0
    }
    for pair in pairs:
        if (text_key(pair.query), pair.doc_id) in refuted:
            findings.drop(PAIRS, "judged not relevant", example=f"{pair.doc_id} for {pair.query}")
        else:
            yield pair


def _unseen(
    what: str, examples: Iterable[Example], held_out: HeldOut, findings: Findings
) -> Iterator[Example]:
    for example in examples:
        key = text_key(example.query)
        twin = held_out.find(key)
        if twin is None:
            yield example
        else:
            findings.drop(what, twin.why, example=twin.example(key))


def _task(task: Task, *, config: DataConfig, findings: Findings) -> Task:
    """The task less the examples that teach nothing, weighted; without any if none is left."""
    kept = _distinct(task, findings)
    if task.kind is TaskKind.SCORED and len({example.score for example in kept}) == 1:
        for example in kept:
            findings.drop(task.name, "all scores are the same", example=example.query)
        kept = []
    if config.weighting is Weighting.NONE:
        return replace(task, examples=tuple(kept))
    grades = [example.score for example in kept] if task.name in {JUDGMENTS, _GRADES} else None
    weights = weigh([text_key(example.query) for example in kept], grades)
    weighted = zip(kept, weights, strict=True)
    return replace(
        task, examples=tuple(replace(example, weight=weight) for example, weight in weighted)
    )


def _distinct(task: Task, findings: Findings) -> list[Example]:
    """One of each texts; of several scores, as of documents with equal text, the highest."""
    kept: dict[tuple[str, str, str | None], Example] = {}
    for example in task.examples:
        texts = (text_key(example.query), example.document, example.negative)
        same = kept.get(texts)
        why = _why_useless(example, task.kind)
        if why is None and same is not None:
            why = "the same texts as another one" + (
                "" if same.score == example.score else ", of another score; the highest stays"
            )
        if why is not None:
            findings.drop(task.name, why, example=shorten(f"{example.query} / {example.document}"))
        if why is None or (same is not None and same.score < example.score):
            kept[texts] = example
    return list(kept.values())


def _why_useless(example: Example, kind: TaskKind) -> str | None:
    document = text_key(example.document)
    if kind is not TaskKind.SCORED and document == text_key(example.query):
        return "the text is the query"
    if example.negative is not None and document == text_key(example.negative):
        return "the negative is the positive"
    return None


def weigh(queries: Sequence[str], grades: Sequence[float] | None = None) -> list[float]:
    """The weight of each example, 1 on average, by its query and, where given, its grade.

    Few queries and grades shall not rule the rest. Of a query with n examples each counts
    `(1 + ln n) / n`, so all of them count `1 + ln n` together. A grade that has r times its even
    share of the examples (r = p L, with the share p, of L different grades) counts `(1 + ln r) / r`
    where r > 1, and 1 elsewhere: what is common is damped, and what is rare is never multiplied.
    The weight is the product, over its mean.
    """
    examples = Counter(queries)
    weights = [_damp(examples[query]) for query in queries]
    if grades is not None:
        counts = Counter(grades)
        even = len(grades) / max(1, len(counts))
        weights = [
            weight * _damp(max(1.0, counts[grade] / even))
            for weight, grade in zip(weights, grades, strict=True)
        ]
    mean = math.fsum(weights) / max(1, len(weights))
    return [round(weight / mean, _DIGITS) for weight in weights]


def _damp(times: float) -> float:
    return (1 + math.log(times)) / times
