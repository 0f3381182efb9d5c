"""Impressions: what interleaved answers showed, until the clicks on them are counted.

Each counts once, when its time is over: so neither the clicks themselves nor who reads them decides
when. Then it is removed, so that no more of them are kept than are shown within that time.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from molt.artifact import canonical_json
from molt.index.catalog.collection import Collection
from molt.index.catalog.events import CLICK
from molt.index.catalog.judging.experiments import tables
from molt.index.catalog.judging.experiments.experiment import Experiment, ExperimentState
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database, chunks
from molt.index.catalog.tables import events

MOST_OPEN = 100_000
"""Impressions of one experiment that wait to be counted; what is shown beyond is not compared."""
_COUNTED_AT_ONCE = 2_000
_COLUMNS = tables.impressions.c
_EXPERIMENTS = tables.experiments.c


@dataclass(frozen=True)
class Impression:
    """An answer of an experiment: what a click on each document that it showed says.

    Of several with the same `draw`, by which the lot fell, only the first counts.
    """

    experiment: int
    query_id: str
    draw: str
    at: datetime
    credits: Mapping[str, float]


@dataclass(frozen=True)
class ClickedImpression:
    """One whose time is over, with the documents that were clicked on, the first click first."""

    credits: Mapping[str, float]
    clicked: Sequence[str]

    @property
    def has_click(self) -> bool:
        """Was a document clicked on that it showed?"""
        return any(doc_id in self.credits for doc_id in self.clicked)


Weigh = Callable[
    [Mapping[str, Any], Sequence[ClickedImpression]], tuple[Mapping[str, Any], str | None]
]
"""Evidence and what was clicked since to the evidence after that, and the better arm if shown."""


class Impressions:
    """Those of all collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, collection: Collection, shown: Sequence[Impression]) -> int:
        """Keep what was shown, as far as its experiment is running; how many were kept.

        Raises `CollectionNotFoundError`.
        """
        kept: dict[int, int] = defaultdict(int)
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            room = {number: MOST_OPEN - n for number, n in _open(connection, collection).items()}
            for one in shown:
                if room.get(one.experiment, 0) > kept[one.experiment]:
                    kept[one.experiment] += self._insert(connection, collection, one)
            for number, n in kept.items():
                more = {"searches": _EXPERIMENTS.searches + n}
                own = (_EXPERIMENTS.collection_id == collection.id, _EXPERIMENTS.number == number)
                connection.execute(update(tables.experiments).where(*own).values(**more))
        return sum(kept.values())

    def count(
        self, collection: Collection, experiment: Experiment, *, until: datetime, weigh: Weigh
    ) -> Experiment | None:
        """Weigh the clicks on what was shown `until` then and remove it, in one transaction.

        At most some thousands at once, the oldest first. The experiment that this decides, or None.
        """
        if not self._due(collection, experiment, until):
            return None
        own = (
            _EXPERIMENTS.collection_id == collection.id,
            _EXPERIMENTS.number == experiment.number,
        )
        with self._database.writing() as connection:
            query = select(tables.experiments).where(*own).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None or row.state != ExperimentState.RUNNING:
                return None
            due = _taken(connection, collection, experiment, until)
            evidence, better = weigh(json.loads(row.evidence), due)
            values = {"evidence": canonical_json(evidence).decode(), "better": better}
            if better is not None:
                values["state"] = ExperimentState.DECIDED
            connection.execute(update(tables.experiments).where(*own).values(**values))
        if better is None:
            return None
        decided = {"better": better, "state": ExperimentState.DECIDED, "evidence": evidence}
        return Experiment(**{**vars(experiment), **decided})

    def _due(self, collection: Collection, experiment: Experiment, until: datetime) -> bool:
        query = select(_COLUMNS.query_id).where(*_mine(collection, experiment, until)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def _insert(self, connection: Connection, collection: Collection, one: Impression) -> bool:
        row = {
            "collection_id": collection.id,
            "query_id": one.query_id,
            "experiment": one.experiment,
            "draw": one.draw,
            "at": one.at,
            "credits": json.dumps(dict(one.credits)),
        }
        return self._database.try_insert(connection, tables.impressions, row)


def _open(connection: Connection, collection: Collection) -> dict[int, int]:
    """How many impressions wait to be counted, of each experiment that is running."""
    mine = _EXPERIMENTS.collection_id == collection.id
    running = select(_EXPERIMENTS.number).where(mine, _EXPERIMENTS.state == ExperimentState.RUNNING)
    waiting = dict.fromkeys(connection.scalars(running), 0)
    for number in waiting:
        own = (_COLUMNS.collection_id == collection.id, _COLUMNS.experiment == number)
        waiting[number] = connection.scalar(select(func.count()).where(*own)) or 0
    return waiting


def _taken(
    connection: Connection, collection: Collection, experiment: Experiment, until: datetime
) -> list[ClickedImpression]:
    """The oldest impressions that are due, with the clicks on them; they are removed."""
    order = (_COLUMNS.at, _COLUMNS.query_id)
    due = select(_COLUMNS.query_id, _COLUMNS.credits).where(*_mine(collection, experiment, until))
    shown = connection.execute(due.order_by(*order).limit(_COUNTED_AT_ONCE)).all()
    clicked: dict[str, list[str]] = defaultdict(list)
    for some in chunks([row.query_id for row in shown]):
        clicks = select(events.c.query_id, events.c.object_id).where(
            events.c.collection_id == collection.id,
            events.c.query_id.in_(some),
            events.c.action_name == CLICK,
            events.c.object_id.is_not(None),
        )
        for query_id, object_id in connection.execute(clicks.order_by(events.c.id)):
            clicked[query_id].append(object_id)
        own = (_COLUMNS.collection_id == collection.id, _COLUMNS.query_id.in_(some))
        connection.execute(delete(tables.impressions).where(*own))
    return [ClickedImpression(json.loads(row.credits), clicked[row.query_id]) for row in shown]


def _mine(collection: Collection, experiment: Experiment, until: datetime) -> tuple[Any, ...]:
    return (
        _COLUMNS.collection_id == collection.id,
        _COLUMNS.experiment == experiment.number,
        _COLUMNS.at <= until,
    )
