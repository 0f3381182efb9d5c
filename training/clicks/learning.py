"""Learning from use: from kept searches and events to judgments, and what these rest on.

Reads a catalog and writes nothing; `keep_learnt` puts the judgments into it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.curations import normalised
from molt.index.catalog.judging.learnt import CLICKS, is_learnt, learnt_query_id
from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Judgment, Query
from molt.training.clicks.abuse import Suspicions, suspect
from molt.training.clicks.choosing import (
    Perplexity,
    choose_click_model,
    cross_validate_models,
    propensities,
)
from molt.training.clicks.click_log import ClickLog, FloatArray, IntArray, skips_above_clicks
from molt.training.clicks.counterfactual import Estimates, estimate_relevance
from molt.training.clicks.grading import UNTOLD, grade_pairs
from molt.training.clicks.sessions import SessionLog, read_sessions
from molt.training.errors import DataError

LEAST_CLICKS = 50
"""With fewer clicks no click model is worth fitting."""
_MOVED = 0.1


@dataclass(frozen=True)
class LearningPlan:
    """What actions are worth, and how often a query has to be searched to be judged."""

    worth: Mapping[str, float]
    min_searches: int = 3


@dataclass(frozen=True)
class LearntFromUse:
    """What use says of relevance, and what that rests on.

    `suspicions` say which of the searches that were read do not count; `tried` are the click models
    from the least surprised on, `propensities` `(depth,)` those of the first; `moved` is the share
    of what was shown of pairs that were seen at several ranks.
    """

    searches: int
    unseen: int
    without_events: int
    clicks: int
    suspicions: Suspicions
    tried: Sequence[Perplexity]
    propensities: FloatArray
    moved: float
    estimates: Estimates
    queries: Sequence[Query]
    judgments: Sequence[Judgment]
    judged_by_people: int

    @property
    def remarks(self) -> list[str]:
        """What whoever relies on it has to know, in sentences."""
        said = []
        if self.moved < _MOVED:
            said.append(
                f"only {self.moved:.0%} of what was shown are documents that came at several "
                "ranks, so what a rank does can hardly be told from what documents are: "
                "propensities are a guess until the ranking changes"
            )
        if not self.judgments:
            said.append("nothing is sure enough to be a judgment yet: more searches are needed")
        return said

    def describe(self) -> dict[str, Any]:
        """All of it in JSON's terms."""
        reasons = ("clicks_all", "too_fast", "too_many", "repeated")
        grades = Counter(one.grade for one in self.judgments)
        return {
            "searches": self.searches,
            "clicks": self.clicks,
            "without_events": self.without_events,
            "left_out": {"unseen": self.unseen}
            | {name: int(getattr(self.suspicions, name).sum()) for name in reasons},
            "model": self.tried[0].model,
            "models": [
                {"model": one.model, "perplexity": one.mean, "by_rank": one.by_rank.tolist()}
                for one in self.tried
            ],
            "propensities": self.propensities.tolist(),
            "moved": self.moved,
            "queries": len(self.queries),
            "judgments": {str(grade): grades[grade] for grade in sorted(grades)},
            "judged_by_people": self.judged_by_people,
            "remarks": self.remarks,
        }


def learn_from_use(catalog: Catalog, collection: Collection, plan: LearningPlan) -> LearntFromUse:
    """What the searches that are kept, and the events that name them, say of relevance.

    Raises `DataError` where there are too few clicks.
    """
    read = read_sessions(catalog, collection, worth=plan.worth)
    suspicions = suspect(read.clicks, users=read.users, queries=read.queries, at=read.at)
    sessions = read.kept(~suspicions.any)
    _refuse_few(sessions, read, collection)
    log = sessions.clicks
    tried = cross_validate_models(log)
    model = choose_click_model(log, tried)
    estimates = estimate_relevance(log, model.examination(log))
    grades = grade_pairs(estimates, skips_above_clicks(log))
    queries, judgments, known = _judgments(catalog, collection, sessions, grades, plan)
    return LearntFromUse(
        searches=len(log),
        unseen=read.unseen,
        without_events=read.without_events,
        clicks=int(log.clicks.sum()),
        suspicions=suspicions,
        tried=tried,
        propensities=propensities(model, log),
        moved=_share_moved(log),
        estimates=estimates,
        queries=queries,
        judgments=judgments,
        judged_by_people=known,
    )


def keep_learnt(catalog: Catalog, collection: Collection, learnt: LearntFromUse) -> int:
    """Keep the judgments in place of what was learnt before; how many that were."""
    kept = catalog.learnt
    return kept.replace(collection, CLICKS, queries=learnt.queries, judgments=learnt.judgments)


def _refuse_few(sessions: SessionLog, read: SessionLog, collection: Collection) -> None:
    clicks = int(sessions.clicks.clicks.sum())
    if clicks >= LEAST_CLICKS:
        return
    left_out = len(read.clicks) - len(sessions.clicks)
    raise DataError(
        f"{collection.name!r} has {clicks} clicks on {len(sessions.clicks)} kept searches "
        f"({left_out} more look like those of programs); {LEAST_CLICKS} are the least. Send what "
        "users do to POST /events with the query_id that the search answered, and leave the "
        "setting learn.searches on"
    )


def _share_moved(log: ClickLog) -> float:
    """Of all that was shown, the share of pairs that were shown at two ranks at least."""
    shown = log.shown
    ranks = np.broadcast_to(np.arange(log.depth), log.pairs.shape)[shown]
    places = np.unique(np.stack([log.pairs[shown], ranks]), axis=1)
    moved = np.bincount(places[0], minlength=log.n_pairs) > 1
    return float(moved[log.pairs[shown]].mean()) if shown.any() else 0.0


def _judgments(
    catalog: Catalog,
    collection: Collection,
    sessions: SessionLog,
    grades: IntArray,
    plan: LearningPlan,
) -> tuple[list[Query], list[Judgment], int]:
    """Judgments with their queries, and how many pairs were left to what people said of them."""
    searched = np.bincount(sessions.queries, minlength=len(sessions.texts))
    told = np.flatnonzero(
        (grades != UNTOLD) & (searched[sessions.pair_queries] >= plan.min_searches)
    )
    relevant = set(sessions.pair_queries[told[grades[told] > 0]].tolist())
    people, known = _judged_by_people(catalog, collection), 0
    queries: dict[int, Query] = {}
    judgments = []
    for pair in told.tolist():
        number, doc_id = int(sessions.pair_queries[pair]), sessions.pair_docs[pair]
        text = sessions.texts[number]
        if number not in relevant:
            continue
        if (normalised(text), doc_id) in people:
            known += 1
            continue
        query_id = learnt_query_id(CLICKS, text)
        about = {"source": CLICKS, "searches": int(searched[number])}
        queries.setdefault(number, Query(query_id, text, about))
        judgments.append(Judgment(query_id, doc_id, int(grades[pair]), SplitName.TRAIN.value))
    return list(queries.values()), judgments, known


def _judged_by_people(catalog: Catalog, collection: Collection) -> set[tuple[str, str]]:
    kept = catalog.judgments
    asked = {one.id: one.text for one in kept.queries(collection) if not is_learnt(one.id)}
    return {
        (normalised(asked[one.query_id]), one.doc_id)
        for one in kept.graded(collection)
        if one.query_id in asked
    }
