"""Judging: checkpoints measured on a collection's judged queries, and whether one may serve.

What `molt evaluate` does, and the judging step of jobs: one orchestration for both.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from molt.artifact import ArtifactError, faultpoint
from molt.encoder import Checkpoint, CrossEncoder, open_encoder
from molt.encoder.vector_cache import OnProgress, quiet
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Query
from molt.index.lexical.analysis import read_analysis
from molt.index.lexical.commit import LexicalStore
from molt.index.lexical.lexical_index import index_in_memory
from molt.index.lexical.synonyms import Synonyms, read_synonyms
from molt.index.ranking.ranking import DEFAULT_RANKING
from molt.training.config import EvaluationMode, RetrainConfig
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Split
from molt.training.errors import EvaluationError
from molt.training.evaluation.evaluate import Contenders, measure_contenders, reported
from molt.training.evaluation.report import EvaluationPlan, JudgedMode, Report
from molt.training.evaluation.store import ReportStore
from molt.training.gate import decide
from molt.training.material import Prepared, data_configs, overlaps, prepare_collection
from molt.worker.tasks.accounting import Gating
from molt.worker.tasks.cross_encoders import opened_cross_encoders, sharing_split
from molt.worker.tasks.labelling import rank_unjudged, unjudged_queries
from molt.worker.tasks.runs import SearchMaker, Splittings, run_maker, splittings_of
from molt.worker.tasks.searching import (
    SearchTuning,
    most_queries,
    spread,
    too_few,
    tune_search,
    untuned,
)
from molt.worker.tasks.workspace import Workspace


def _unheard(_: object) -> None:
    """For who does not listen."""


@dataclass(frozen=True)
class Listener:
    """Whoever follows an evaluation: its notes, what became of the data, and how far it is."""

    note: Callable[[str], None] = _unheard
    on_prepared: Callable[[Prepared], None] = _unheard
    progress: OnProgress = quiet


@dataclass(frozen=True)
class Evaluation:
    """Which checkpoints of a collection to measure, against which, and how.

    `data` is how the collection's data is prepared where no checkpoint was trained on it. A whole
    search ranks as the collection's does; that of the candidate `tuned` as it is tuned on dev.
    """

    collection: str
    candidates: tuple[str, ...]
    baseline: str | None
    plan: EvaluationPlan
    data: DataConfig = field(default_factory=DataConfig)
    mode: EvaluationMode = "serving"
    tuned: str | None = None
    gating: Gating | None = None


def measure(workspace: Workspace, asked: Evaluation, *, listener: Listener) -> Report:
    """Measure checkpoints by the search that would serve, over the whole collection.

    The split is what it was when they were trained. Raises what the parts raise.
    """
    with (
        workspace.using(*asked.candidates, asked.baseline),
        opened_cross_encoders(workspace, asked.collection) as scorers,
    ):
        return _measure(workspace, asked, listener, scorers)


def _measure(
    workspace: Workspace, asked: Evaluation, listener: Listener, scorers: Sequence[CrossEncoder]
) -> Report:
    store = workspace.checkpoints
    contenders = Contenders(
        [store.open(each) for each in asked.candidates],
        baseline=None if asked.baseline is None else store.open(asked.baseline),
    )
    ground = _ground(workspace, asked, contenders, scorers, listener)
    prepared, collection = ground.prepared, ground.collection
    plan = replace(asked.plan, mode=_judged_mode(workspace, asked, collection))
    splittings = splittings_of(workspace, collection)
    tuning = maker = None
    if plan.mode == "hybrid":
        searches = _Searches(
            workspace,
            ground,
            splittings=splittings,
            cross_encoders=sharing_split(scorers, asked.collection, data=ground.data),
        )
        if asked.tuned is not None:
            tuning = searches.tune(store.open(asked.tuned), listener)
        maker = searches.maker(contenders, tuned=asked.tuned, tuning=tuning)
    trial, cache = prepared.trial(SplitName(plan.split)), workspace.home.cache
    how: dict[str, Any] = {"cache": cache, "make_run": maker or run_maker(cache, splittings)}
    measured = measure_contenders(
        trial, contenders=contenders, plan=plan, progress=listener.progress, **how
    )
    faultpoint("evaluation.measured")
    unjudged = rank_unjudged(
        ground.unjudged, trial, contenders=contenders, progress=listener.progress, **how
    )
    former = None if contenders.baseline is None else measured.pop(0)
    reuse = None
    if asked.gating is not None:
        plan, reuse = asked.gating.plan(plan, trial, contenders)
    return replace(
        reported(trial, measured, former=former, plan=plan, reuse=reuse),
        tuning=None if tuning is None else tuning.to_json(),
        unjudged=unjudged,
    )


@dataclass(frozen=True)
class _Ground:
    """What is measured on, and the queries that nobody has judged, where they are asked for."""

    prepared: Prepared
    data: DataConfig
    collection: Collection
    synonyms: Synonyms
    unjudged: Sequence[Query]


def _ground(
    workspace: Workspace,
    asked: Evaluation,
    contenders: Contenders,
    scorers: Sequence[CrossEncoder],
    listener: Listener,
) -> _Ground:
    configs = data_configs(asked.collection, contenders.all, otherwise=asked.data)
    for said in overlaps(configs):
        listener.note(said)
    every = (*contenders.all, *(one.checkpoint for one in scorers))
    data = next(iter(data_configs(asked.collection, every, otherwise=asked.data)))
    split = SplitName(asked.plan.split)
    with workspace.catalog() as catalog:
        prepared = prepare_collection(catalog, asked.collection, config=data, wanted=(split,))
        collection = catalog.collections.get(asked.collection)
        synonyms = Synonyms(read_synonyms(catalog.synonyms.get(collection).rules))
        unjudged = [] if asked.gating is None else unjudged_queries(catalog, collection)
    listener.on_prepared(prepared)
    return _Ground(prepared, data, collection, synonyms, unjudged)


def _judged_mode(workspace: Workspace, asked: Evaluation, collection: Collection) -> JudgedMode:
    """Is a whole hybrid search to be judged, or the encoder alone?"""
    if asked.mode != "serving":
        return asked.mode
    try:
        commit = LexicalStore(workspace.home.lexical).read(collection.id)
    except ArtifactError:
        commit = None
    return "dense" if commit is None else "hybrid"


class _Searches:
    """The searches over a collection's corpus: each ranks as it did, or as it was tuned."""

    def __init__(
        self,
        workspace: Workspace,
        ground: _Ground,
        *,
        splittings: Splittings,
        cross_encoders: tuple[CrossEncoder, ...],
    ) -> None:
        prepared, collection = ground.prepared, ground.collection
        self._prepared = prepared
        self._stored = collection.ranking or DEFAULT_RANKING
        self._most = most_queries(collection)
        words = index_in_memory(
            prepared.dataset.corpus.documents, analysis=read_analysis(collection.analysis)
        )
        cache = workspace.home.cache
        self._maker = SearchMaker(cache, words, {}, splittings, cross_encoders, ground.synonyms)

    def maker(
        self, contenders: Contenders, *, tuned: str | None, tuning: SearchTuning | None
    ) -> SearchMaker:
        """What makes the runs of all of them."""
        rankings = {each.id: self._stored for each in contenders.all}
        if tuned is not None and tuning is not None:
            rankings[tuned] = tuning.ranking
        return replace(self._maker, rankings=rankings)

    def tune(self, checkpoint: Checkpoint, listener: Listener) -> SearchTuning:
        """Tune the search of a checkpoint on dev, as far as there is enough of it."""
        trial = self._prepared.trial(SplitName.DEV)
        reason = too_few(len(trial.queries))
        if reason is not None:
            listener.note(reason)
            return untuned(self._stored, queries=len(trial.queries), reason=reason)
        chosen = spread(trial.split, most=self._most)
        qrels = trial.split.qrels
        queries = {one: trial.split.queries[one] for one in chosen}
        places = {document.id: at for at, document in enumerate(trial.corpus.documents)}
        judged = [
            {places[doc_id]: grade for doc_id, grade in qrels[one].items() if doc_id in places}
            for one in chosen
        ]
        on = replace(trial, split=Split(queries, qrels))
        with closing(open_encoder(checkpoint, cache=self._maker.cache)) as encoder:
            search = self._maker.search(encoder, on, listener.progress)
            return tune_search(search, judged, former=self._stored, progress=listener.progress)


def evaluate_checkpoints(
    workspace: Workspace, asked: Evaluation, *, listener: Listener, out: Path | None = None
) -> tuple[Report, Path]:
    """Measure and publish a report, under `out` instead of the home where given; its folder.

    Without candidates the active checkpoint is measured, without a baseline others are compared
    with that one. Raises `EvaluationError` where nothing is named and nothing is active.
    """
    active = workspace.active(asked.collection)
    candidates = asked.candidates or (() if active is None else (active,))
    if not candidates:
        raise EvaluationError("no checkpoint is active; name one with --checkpoint")
    baseline = asked.baseline
    if baseline is None and active not in candidates:
        baseline = active
    chosen = replace(asked, candidates=candidates, baseline=baseline)
    report = measure(workspace, chosen, listener=listener)
    return report, ReportStore(out or workspace.reports).publish(report)


def judge(  # noqa: PLR0913  each by name
    workspace: Workspace,
    collection: str,
    *,
    candidate: str,
    baseline: str,
    config: RetrainConfig,
    progress: OnProgress,
    ledger: str | None = None,
) -> dict[str, Any]:
    """Evaluate a candidate on test next to the checkpoint that serves, and let the gate decide.

    What is judged is the search that would serve: the candidate's as it is tuned on dev, unless it
    is what serves, and the other one's as it is. `ranking` of the outcome is what is to be released
    with the candidate, where that is another. Test is what it was when the candidate was
    trained, whatever `config` says of data. What is judged is spent in the catalog at `ledger`.
    """
    notes: list[str] = []
    gating = Gating(config, ledger)
    asked = Evaluation(
        collection,
        (candidate,),
        baseline,
        config.plan,
        config.data,
        mode=config.evaluation.mode,
        tuned=None if candidate == baseline else candidate,
        gating=gating,
    )
    listener = Listener(note=notes.append, progress=progress)
    report = measure(workspace, asked, listener=listener)
    ReportStore(workspace.reports).publish(report)
    faultpoint("report.published")
    decision = decide(report, config=config.gate).to_json()
    gating.tell(report)
    tuning = report.tuning or {"changed": False}
    ranking = tuning["ranking"] if tuning["changed"] else None
    return {
        "report": report.id,
        "decision": decision,
        "notes": notes,
        "ranking": ranking,
        "tuning": report.tuning,
    }
