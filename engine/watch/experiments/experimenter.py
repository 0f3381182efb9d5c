"""The experimenter: lets both arms of an experiment answer a share of the searches.

Searches look at nothing but what its thread has prepared, and leave behind what they showed:
whatever is read from the catalog or written to it, is so in that thread.
"""

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import uuid4

import structlog

from molt.artifact import ForeseenError, panics_contained
from molt.engine.live.former import FormerGenerations
from molt.engine.live.pair import Live
from molt.engine.releasing import Releaser
from molt.engine.search.cursor import search_digest
from molt.engine.search.query import ComparedBy, SearchAnswer, SearchQuery
from molt.engine.sections import ExperimentSettings
from molt.engine.watch.experiments.concluding import Concluder, weigh_clicks
from molt.engine.watch.experiments.interleaving import Team, drawn_by_lot, interleave, seed_of
from molt.engine.watch.experiments.joining import asked_of, can_be_compared, ids_of, one_answer
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.experiments.experiment import Arm, Experiment, ExperimentState
from molt.index.catalog.judging.experiments.impressions import Impression
from molt.index.errors import CatalogError, CollectionNotFoundError, GenerationNotFoundError

log = structlog.get_logger(__name__)

AnswerFrom = Callable[[SearchQuery, Live | None], SearchAnswer]
"""Answers a query from a pair, or from what serves where that is None."""

_MOST_PENDING = 10_000
"""Answers that wait to be written down; beyond them searches are answered by what serves alone."""
_HOUR = 3600


@dataclass(frozen=True)
class RunningExperiment:
    """An experiment, and from what each arm answers: a pair, or None for what serves."""

    collection: Collection
    experiment: Experiment
    pairs: Mapping[Team, Live | None]

    @property
    def arms(self) -> Mapping[Team, Arm]:
        """Both arms."""
        return {"a": self.experiment.plan.a, "b": self.experiment.plan.b}

    @property
    def reranks(self) -> bool:
        """May an arm look at its candidates again?"""
        return any(arm.rerank != "none" for arm in self.arms.values())

    @property
    def main(self) -> Team:
        """The arm that speaks for both: the one that serves, `b` where both do."""
        return "b" if self.pairs["b"] is None else "a"

    def lot_of(self, query: SearchQuery, client: str | None) -> "_Lot | None":
        """The lot of a search; None where both arms do not answer it.

        A client is among the share or is not, and its lot for a search is the same for an hour.
        """
        query_id, now = uuid4().hex, datetime.now(UTC)
        own = (self.collection.id, self.experiment.number)
        if not drawn_by_lot(self.experiment.plan.share, *own, client or query_id):
            return None
        if client is None:
            return _Lot(query_id, query_id, now)
        hour = int(now.timestamp()) // _HOUR
        return _Lot(query_id, f"{seed_of(client, search_digest(query), hour):016x}", now)


@dataclass(frozen=True)
class _Lot:
    """How the lot falls for the answer `query_id`: by `draw`."""

    query_id: str
    draw: str
    at: datetime


class Experimenter:
    """Runs the experiments of all collections in this process. Thread-safe.

    `running` are those that searches take part in, by collection; where it is empty no search
    needs to ask further.
    """

    def __init__(
        self,
        settings: ExperimentSettings,
        catalog: Catalog,
        former: FormerGenerations,
        releaser: Releaser,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._former = former
        self.concluder = Concluder(settings, catalog=catalog, releaser=releaser)
        self._version: Hashable = None
        self._following = False
        self._pending: list[tuple[Collection, Impression]] = []
        self._lock = threading.Lock()
        self._failing: frozenset[str] = frozenset()
        self.running: Mapping[str, RunningExperiment] = MappingProxyType({})

    def search(
        self, query: SearchQuery, answer: AnswerFrom, *, client: str | None
    ) -> SearchAnswer | None:
        """The answer of both arms together, or None where the search takes no part.

        A page that is not the first takes part only for a `client`, whose lot is known again. Where
        an arm cannot answer, the search takes no part either: what serves may answer it alone.
        """
        running = self.running.get(query.collection)
        if running is None or not can_be_compared(query) or (query.offset and client is None):
            return None
        lot = running.lot_of(query, client)
        if lot is None or len(self._pending) >= _MOST_PENDING:
            return None
        try:
            return self._compared(running, query, answer, lot)
        except ForeseenError as error:
            self._note_failure(running, error)
            return None

    def look(self) -> None:
        """Write down what was shown, see which experiments run, and judge them by their clicks."""
        self.flush()
        version = self._catalog.database.version()
        if version == self._version and not self._following:
            return
        going_on = self._catalog.experiments.going_on()
        self._version, self._following = version, bool(going_on)
        running = {}
        for one in going_on:
            try:
                with panics_contained():
                    found = self._followed(one)
            except CollectionNotFoundError:
                continue  # it was deleted just now
            except Exception:  # of one experiment: the others go on all the same
                log.exception("experiment.failed", collection=one.collection, number=one.number)
                continue
            if found is not None:
                running[one.collection] = found
        self.running = MappingProxyType(running)

    def flush(self) -> None:
        """Write down what was shown since the last time. What cannot be is kept for the next."""
        with self._lock:
            pending, self._pending = self._pending, []
        owners = {collection.id: collection for collection, _ in pending}
        for owner in owners.values():
            shown = [one for collection, one in pending if collection.id == owner.id]
            try:
                self._catalog.impressions.note(owner, shown)
            except CollectionNotFoundError:
                continue
            except CatalogError as error:
                log.warning("experiment.waiting", collection=owner.name, reason=str(error))
                with self._lock:
                    self._pending += [(owner, one) for one in shown]

    def _compared(
        self, running: RunningExperiment, query: SearchQuery, answer: AnswerFrom, lot: _Lot
    ) -> SearchAnswer | None:
        experiment, plan = running.experiment, running.experiment.plan
        answers = {
            team: answer(asked_of(arm, query), running.pairs[team])
            for team, arm in running.arms.items()
        }
        wanted = {team: arm.generation for team, arm in running.arms.items()}
        if any(wanted[team] not in {None, answers[team].generation} for team in answers):
            return None  # the pointer was moved just now
        seed = seed_of(running.collection.id, experiment.number, lot.draw)
        a, b = ids_of(answers["a"]), ids_of(answers["b"])
        drawn = interleave(plan.method, a, b, k=query.offset + query.k, seed=seed)
        if not query.offset:
            said = dict(zip(drawn.shown, drawn.credits, strict=True))
            shown = Impression(experiment.number, lot.query_id, lot.draw, lot.at, said)
            with self._lock:
                self._pending.append((running.collection, shown))
        compared = ComparedBy(experiment.number, plan.method, lot.query_id)
        return one_answer(answers, drawn, query=query, main=running.main, compared=compared)

    def _followed(self, experiment: Experiment) -> RunningExperiment | None:
        """An experiment as searches take part in it from now on; None where it is over."""
        collection = self._catalog.collections.get(experiment.collection)
        plan = experiment.plan
        pinned = {plan.a.generation, plan.b.generation} - {None}
        if experiment.state is ExperimentState.RUNNING:
            if pinned and collection.generation not in pinned:
                serving = f"the collection is served from {collection.generation} since"
                self.concluder.end(experiment, f"stopped: {serving}")
                return None
            until = datetime.now(UTC) - timedelta(seconds=self._settings.credit_seconds)
            experiment = (
                self._catalog.impressions.count(
                    collection, experiment, until=until, weigh=weigh_clicks(plan.level)
                )
                or experiment
            )
        if experiment.state is ExperimentState.DECIDED:
            self.concluder.conclude(experiment, collection)
            return None
        arms: dict[Team, Arm] = {"a": plan.a, "b": plan.b}
        try:
            pairs = {team: self._pair(collection, arm) for team, arm in arms.items()}
        except GenerationNotFoundError as error:
            self.concluder.end(experiment, f"stopped: {error}")
            return None
        return RunningExperiment(collection, experiment, pairs)

    def _pair(self, collection: Collection, arm: Arm) -> Live | None:
        if arm.generation in {None, collection.generation}:
            return None
        return self._former.get(collection.name, str(arm.generation))

    def _note_failure(self, running: RunningExperiment, error: ForeseenError) -> None:
        """Say once of each reason that an arm cannot answer."""
        said = f"{running.collection.name} {running.experiment.number} {error}"
        if said not in self._failing:
            self._failing = frozenset({*[*self._failing][-20:], said})
            log.warning(
                "experiment.arm_failed",
                collection=running.collection.name,
                number=running.experiment.number,
                reason=str(error),
            )
