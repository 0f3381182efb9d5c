"""A collection that two generations served in turn, experiments on it, and users who click."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from molt.engine.engine import Engine
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.engine.watch.experiments.planning import describe_experiment, planned
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.judging.experiments.experiment import Arm, Experiment, Plan
from molt.index.catalog.releases import Reason
from tests.app.serving import open_engine
from tests.generations import make_generation

NAME = "shop"
QUERIES = [f"a lamp of kind {number}" for number in range(400)]


def opened(home: Path, **experiments: Any) -> Engine:
    given = {"credit_seconds": 0.0} | experiments
    return open_engine(load_settings(home=home, experiments=given))


def fill(engine: Engine) -> None:
    collection = engine.catalog.collections.create(NAME)
    texts = [f"number {number} is a {number % 7} lamp" for number in range(40)]
    documents = [Document(f"d{at}", text) for at, text in enumerate(texts)]
    engine.catalog.documents.upsert(collection, documents)
    release(engine, seed=0)
    release(engine, seed=1)


def release(engine: Engine, *, seed: int) -> str:
    made = make_generation(engine, NAME, seed=seed)
    engine.catalog.collections.point(NAME, generation=made, reason=Reason("ops", "reload"))
    engine.live_collections.refresh(NAME)
    return made


def start(engine: Engine, plan: Plan | None = None, **changes: Any) -> Experiment:
    wanted = replace(plan or Plan(Arm(), Arm()), **{"share": 1.0} | changes)
    begun = engine.catalog.experiments.start(
        NAME, planned(engine.catalog, engine.generations, NAME, wanted), actor="ann"
    )
    engine.experimenter.look()
    return begun


def search(
    engine: Engine, text: str = QUERIES[0], *, client: str | None = None, **changes: Any
) -> SearchAnswer | None:
    query = SearchQuery(text, NAME, **changes)
    return engine.experimenter.search(query, engine.searcher.search_pair, client=client)


def newest(engine: Engine) -> dict[str, Any]:
    (found,) = engine.catalog.experiments.list(NAME, limit=1)
    return describe_experiment(found)


def click(engine: Engine, text: str, *, arm: str) -> bool:
    """A user who follows the last hit that this arm has drawn; False where there was none."""
    answer = search(engine, text)
    if answer is None:
        return False
    clicked = next(hit.id for hit in reversed(answer.page.hits) if hit.arm == arm)
    event = Event("click", datetime.now(UTC), query_id=answer.compared.query_id, object_id=clicked)
    engine.catalog.events.append(engine.catalog.collections.get(NAME), [event])
    return True


def follow(engine: Engine, *, arm: str, queries: int = 400) -> None:
    """Users who only follow hits that this arm has drawn, until the experiment is decided."""
    for text in QUERIES[:queries]:
        if not click(engine, text, arm=arm):
            return
        engine.experimenter.look()


def pointed(engine: Engine) -> str | None:
    return engine.catalog.collections.get(NAME).generation


def served(engine: Engine) -> list[str | None]:
    """What served, newest first."""
    return [one.generation for one in engine.catalog.collections.releases(NAME)]


class Failing:
    """Stands for a call that raises an error, and counts how often it is made."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        raise self.error
