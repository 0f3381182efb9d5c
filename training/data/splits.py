"""Splits: which judged queries are learnt from, chosen by, and judged by.

No query, and no near-duplicate of one, is in two of them: test keeps all of its own, dev gives way
to test, and train to both. Makes no examples.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from molt.index.catalog.judging.learnt import is_learnt
from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Judgment, Query
from molt.training.data.cleaning.clean import CleanData
from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.merging import merge_queries
from molt.training.data.cleaning.text import text_key
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Split
from molt.training.data.held_out import HeldOut
from molt.training.errors import DataError

Grades = dict[str, dict[str, int]]
"""Grades by query id and document id, of one split while it is made."""

_TRAIN, _DEV, _TEST = SplitName.TRAIN, SplitName.DEV, SplitName.TEST


@dataclass(frozen=True)
class Splits:
    """The three splits."""

    train: Split
    dev: Split
    test: Split


def split_queries(
    data: CleanData,
    *,
    config: DataConfig,
    findings: Findings,
    wanted: Collection[SplitName] = tuple(SplitName),
) -> Splits:
    """Put every query with a relevant document into one split, or drop it.

    Raises `DataError` where one of the splits that are `wanted` would be empty.
    """
    keys = {query_id: text_key(query.text) for query_id, query in data.queries.items()}
    _note_unjudged(data, findings)
    splits = _by_name(data.judgments, keys=keys, config=config, findings=findings)
    named = {judgment.split for judgment in data.judgments}
    for missing in (_TEST, _DEV):
        if missing not in named:
            _carve(splits, missing, keys=keys, config=config, findings=findings)
    for name in SplitName:
        splits[name] = _with_relevant(splits[name], data.queries, findings)
    _give_way(splits, keys=keys, config=config, findings=findings)
    splits[_TRAIN] = merge_queries(
        splits[_TRAIN], keys=keys, threshold=config.near_duplicate, findings=findings
    )
    _refuse_unjudged(data, findings)
    _refuse_empty(splits, wanted)
    return Splits(*(_freeze(splits[name], data.queries) for name in SplitName))


def draw_split(key: str, *, config: DataConfig) -> SplitName:
    """The split of a query that names none: a hash of its key decides, and nothing else."""
    digest = blake2b(f"{config.split_seed}\n{key}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest) / 2**64
    if place < config.test_share:
        return _TEST
    return _DEV if place < config.test_share + config.dev_share else _TRAIN


def _note_unjudged(data: CleanData, findings: Findings) -> None:
    judged = {judgment.query_id for judgment in data.judgments}
    for query in data.queries.values():
        if query.id not in judged:
            findings.drop("queries", "not judged", example=_name(query))


def _by_name(
    judgments: Iterable[Judgment],
    *,
    keys: Mapping[str, str],
    config: DataConfig,
    findings: Findings,
) -> dict[SplitName, Grades]:
    """Judgments by the split that they name, else by that of their query, else by its hash."""
    splits: dict[SplitName, Grades] = {name: defaultdict(dict) for name in SplitName}
    unnamed = []
    for one in judgments:
        if one.split is None:
            unnamed.append(one)
        else:
            splits[SplitName(one.split)][one.query_id][one.doc_id] = one.grade
    named = {query_id: name for name in SplitName for query_id in splits[name]}
    for one in unnamed:
        name = named.get(one.query_id) or draw_split(keys[one.query_id], config=config)
        if named.get(one.query_id, _TRAIN) is not _TRAIN:
            why = f"names no split, and its query is in {name}, which stays as it is"
            findings.drop("judgments", why, example=f"{one.doc_id} for {one.query_id}")
        else:
            grades = splits[name][one.query_id]
            grades[one.doc_id] = max(one.grade, grades.get(one.doc_id, 0))
    return splits


def _carve(
    splits: dict[SplitName, Grades],
    missing: SplitName,
    *,
    keys: Mapping[str, str],
    config: DataConfig,
    findings: Findings,
) -> None:
    """Move the queries of train that the hash draws for `missing`.

    What was learnt from clicks is held out only where nothing that people judged is.
    """
    drawn = [one for one in splits[_TRAIN] if draw_split(keys[one], config=config) is missing]
    judged = [one for one in drawn if not is_learnt(one)]
    for query_id in judged if judged or splits[missing] else drawn:
        splits[missing][query_id] = splits[_TRAIN].pop(query_id)
        why = f"moved from train to {missing}, which no judgment names"
        findings.change("queries", why, example=keys[query_id])


def _with_relevant(grades: Grades, queries: Mapping[str, Query], findings: Findings) -> Grades:
    kept = {}
    for query_id, judged in grades.items():
        if any(judged.values()):
            kept[query_id] = judged
        else:
            findings.drop("queries", "no relevant document", example=_name(queries[query_id]))
    return kept


def _give_way(
    splits: dict[SplitName, Grades],
    *,
    keys: Mapping[str, str],
    config: DataConfig,
    findings: Findings,
) -> None:
    """Drop from dev what is near test, then from train what is near either."""
    held: dict[SplitName, Iterable[str]] = {_TEST: [keys[one] for one in splits[_TEST]]}
    for name in (_DEV, _TRAIN):
        held_out = HeldOut(held, threshold=config.near_duplicate)
        for query_id in list(splits[name]):
            twin = held_out.find(keys[query_id])
            if twin is not None:
                del splits[name][query_id]
                findings.drop(f"queries of {name}", twin.why, example=twin.example(keys[query_id]))
        held[name] = [keys[one] for one in splits[name]]


def _refuse_unjudged(data: CleanData, findings: Findings) -> None:
    if not data.judgments:
        dropped = [f"{one.count} {one.what} {one.why}" for one in findings.dropped]
        raise DataError(
            "nothing is known about relevance: bring judgments of queries (qrels), or pairs that "
            "name their document by its doc_id or hold its text, whose documents are in the "
            "collection or the files" + (f". Left out: {', '.join(dropped)}" if dropped else "")
        )
    if not any(one.grade for one in data.judgments):
        raise DataError(
            f"all {len(data.judgments)} judgments have grade 0, so no query has a relevant "
            "document; bring judgments of grade 1 or more"
        )


def _refuse_empty(splits: Mapping[SplitName, Grades], wanted: Collection[SplitName]) -> None:
    for name in SplitName:
        if name in wanted and not splits[name]:
            raise DataError(
                f"no query is left for {name.value}; bring more judged queries, or judgments whose "
                f"split is {name.value} and whose queries are in no other split. There are "
                + ", ".join(f"{len(splits[one])} in {one.value}" for one in SplitName)
            )


def _freeze(grades: Grades, queries: Mapping[str, Query]) -> Split:
    order = sorted(grades)
    return Split(
        queries={query_id: queries[query_id] for query_id in order},
        qrels={
            query_id: {doc_id: grades[query_id][doc_id] for doc_id in sorted(grades[query_id])}
            for query_id in order
        },
    )


def _name(query: Query) -> str:
    return f"{query.id}: {query.text}"
