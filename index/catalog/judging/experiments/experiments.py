"""Experiments: begun, followed and ended, one at a time for each collection.

What their answers showed, and the clicks on that, is `impressions`'.
"""

from collections.abc import Collection as AnyCollection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from molt.index.catalog.collection import Collection, find_collection, lock_collection
from molt.index.catalog.judging.experiments import tables
from molt.index.catalog.judging.experiments.experiment import (
    Experiment,
    ExperimentState,
    Plan,
    checked_plan,
    experiment_row,
    read_experiment,
)
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import collections
from molt.index.errors import ExperimentNotFoundError, ExperimentRunningError

_COLUMNS = tables.experiments.c
_GOING_ON = (ExperimentState.RUNNING, ExperimentState.DECIDED)


class Experiments:
    """The experiments of all collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, name: str, plan: Plan, *, actor: str) -> Experiment:
        """Begin an experiment.

        Raises `CollectionNotFoundError`, `InvalidFieldError`, and `ExperimentRunningError` where
        the collection has one that has not ended.
        """
        checked_plan(plan)
        with self._database.writing() as connection:
            collection = lock_collection(connection, name)
            _refuse_second(connection, collection)
            own = _COLUMNS.collection_id == collection.id
            last = connection.scalar(select(func.max(_COLUMNS.number)).where(own)) or 0
            row = {
                "collection_id": collection.id,
                "number": last + 1,
                "started_at": datetime.now(UTC),
                "started_by": actor,
                "state": ExperimentState.RUNNING,
                "searches": 0,
                "evidence": "{}",
                **experiment_row(plan),
            }
            connection.execute(insert(tables.experiments), row)
            return _read(connection, collection, last + 1)

    def list(self, name: str, *, limit: int = 20) -> tuple[Experiment, ...]:
        """Those of a collection, the newest first. Raises `CollectionNotFoundError`."""
        with self._database.reading() as connection:
            collection = find_collection(connection, name)
            own = _of(collection).order_by(_COLUMNS.number.desc()).limit(limit)
            return tuple(read_experiment(row, name) for row in connection.execute(own))

    def going_on(self) -> tuple[Experiment, ...]:
        """Those of every collection that have not ended, by collection."""
        return self._each(_COLUMNS.state.in_(_GOING_ON))

    def newest(self) -> tuple[Experiment, ...]:
        """The newest of every collection that has had one, by collection."""
        numbers = select(_COLUMNS.collection_id, func.max(_COLUMNS.number).label("number"))
        last = numbers.group_by(_COLUMNS.collection_id).subquery()
        return self._each(
            _COLUMNS.collection_id == last.c.collection_id, _COLUMNS.number == last.c.number
        )

    def end(
        self,
        name: str,
        *,
        actor: str,
        reason: str,
        number: int | None = None,
        states: AnyCollection[ExperimentState] = _GOING_ON,
    ) -> Experiment:
        """End the experiment of a collection that goes on, or only that of a number and state.

        What was shown and not counted yet counts no more. Raises `CollectionNotFoundError`, and
        `ExperimentNotFoundError` where there is none such.
        """
        with self._database.writing() as connection:
            collection = lock_collection(connection, name)
            own = [_COLUMNS.collection_id == collection.id, _COLUMNS.state.in_([*states])]
            own += [] if number is None else [_COLUMNS.number == number]
            found = connection.scalar(select(_COLUMNS.number).where(*own))
            if found is None:
                raise ExperimentNotFoundError(
                    f"no experiment of {name!r} goes on; `molt experiment start` begins one"
                )
            ended = {
                "state": ExperimentState.ENDED,
                "ended_at": datetime.now(UTC),
                "ended_by": actor,
                "reason": reason,
            }
            connection.execute(update(tables.experiments).where(*own).values(**ended))
            shown = tables.impressions.c
            mine = (shown.collection_id == collection.id, shown.experiment == found)
            connection.execute(delete(tables.impressions).where(*mine))
            return _read(connection, collection, found)

    def _each(self, *where: Any) -> tuple[Experiment, ...]:
        query = (
            select(tables.experiments, collections.c.name)
            .join(collections, collections.c.id == _COLUMNS.collection_id)
            .where(*where)
            .order_by(collections.c.name, _COLUMNS.number)
        )
        with self._database.reading() as connection:
            return tuple(read_experiment(row, row.name) for row in connection.execute(query))


def _refuse_second(connection: Connection, collection: Collection) -> None:
    running = _of(collection).where(_COLUMNS.state.in_(_GOING_ON))
    found = connection.execute(running).first()
    if found is not None:
        raise ExperimentRunningError(
            f"experiment {found.number} of {collection.name!r} goes on; stop it first with "
            f"`molt experiment stop {collection.name}` or POST /admin/experiments/stop"
        )


def _of(collection: Collection) -> Select[Any]:
    return select(tables.experiments).where(_COLUMNS.collection_id == collection.id)


def _read(connection: Connection, collection: Collection, number: int) -> Experiment:
    row = connection.execute(_of(collection).where(_COLUMNS.number == number)).one()
    return read_experiment(row, collection.name)
