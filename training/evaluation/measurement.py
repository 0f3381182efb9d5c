"""Measurement: what each checkpoint does on one trial, by itself. Compares nothing."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molt.encoder import Checkpoint, CrossEncoder, Encoder, open_encoder
from molt.encoder.vector_cache import OnProgress, quiet
from molt.index.catalog.judgments import Query
from molt.index.passages.splitting import Splitting
from molt.index.ranking.ranking import SearchRanking
from molt.training.data.dataset import Corpus, Split
from molt.training.evaluation.cost import Cost, costs
from molt.training.evaluation.exposure import Exposure, exposure, grouped
from molt.training.evaluation.measures import QueryValues, measure_run
from molt.training.evaluation.report import Subject
from molt.training.evaluation.runs import MakeRun, Run


@dataclass(frozen=True)
class Trial:
    """What is evaluated on: a corpus and the judged queries of one of its splits.

    `train` tells which answers training saw; `digest` stands for the dataset that all are from.
    """

    collection: str
    corpus: Corpus
    split: Split
    train: Split | None = None
    digest: str = ""
    data_card: Mapping[str, Any] | None = None

    @property
    def queries(self) -> list[Query]:
        """The split's queries in the order of their ids, in which everything is measured."""
        return [self.split.queries[query_id] for query_id in sorted(self.split.queries)]


@dataclass(frozen=True)
class Measured:
    """What one encoder did: its run, and each measure by name, of each query `(n,)`.

    Where a whole search is judged `alone` is what its encoder does alone, and `ranking` how it
    ranks. `splitting` says how long texts were split.
    """

    subject: Subject
    run: Run
    values: Mapping[str, QueryValues]
    cost: Cost
    exposure: Exposure | None
    alone: Mapping[str, QueryValues] | None = None
    ranking: SearchRanking | None = None
    splitting: Splitting | None = None


def measure_all(  # noqa: PLR0913  each by name
    trial: Trial,
    checkpoints: Sequence[Checkpoint],
    *,
    group: str | None,
    cache: Path,
    make_run: MakeRun,
    progress: OnProgress = quiet,
) -> list[Measured]:
    """Rank with the variant of each checkpoint that serves here; time all of them in turns.

    `group` is the metadata field of documents by which exposure is shared. Raises
    `EvaluationError` where no document has it, and what `open_encoder` raises.
    """
    queries = trial.queries
    grouping = None if group is None else grouped(trial.corpus, group)
    with ExitStack() as stack:
        encoders = [
            stack.enter_context(closing(open_encoder(each, cache=cache))) for each in checkpoints
        ]
        runs = [make_run(each, trial, progress) for each in encoders]
        taken = costs(encoders, [query.text for query in queries])
        subjects = [subject_of(each) for each in encoders]
    doc_ids = [document.id for document in trial.corpus.documents]
    qrels = trial.split.qrels
    return [
        Measured(
            subject,
            made.judged,
            values=measure_run(made.judged, doc_ids=doc_ids, qrels=qrels),
            cost=cost,
            exposure=None
            if grouping is None
            else exposure(made.judged, corpus=trial.corpus, qrels=qrels, grouping=grouping),
            alone=None
            if made.alone is None
            else measure_run(made.alone, doc_ids=doc_ids, qrels=qrels),
            ranking=made.ranking,
            splitting=made.splitting,
        )
        for subject, made, cost in zip(subjects, runs, taken, strict=True)
    ]


def subject_of(served: Encoder | CrossEncoder) -> Subject:
    """What a report says of the checkpoint that was measured."""
    checkpoint, variant = served.checkpoint, served.variant
    return Subject(
        id=checkpoint.id,
        base_model=checkpoint.base_model,
        parent=checkpoint.parent,
        created_at=checkpoint.created_at,
        dimension=checkpoint.dimension,
        max_length=checkpoint.max_length,
        query_prompt=checkpoint.prompts.query,
        document_prompt=checkpoint.prompts.document,
        variant=variant.name,
        runtime=variant.runtime,
        precision=variant.precision,
    )
