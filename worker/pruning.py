"""Pruning: the checkpoints, reports and runs of a home that nothing needs, found and removed.

Before each removal it is looked again whether something needs it, while nobody can write to the
catalog, and once more after it, for jobs. What is damaged is left alone: nobody can tell whose it
is.
"""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from molt.artifact import ArtifactError, exclusive, published_ids, read_manifest
from molt.encoder import CheckpointStore
from molt.engine.settings import Settings
from molt.index.catalog.catalog import Catalog
from molt.index.jobs.queue import JobQueue
from molt.worker.needs import ID, Needs, last_touched, look_for_needs

_REPORT_FORMAT = 1


class Prunable(StrEnum):
    """What a home keeps that nothing may come to need."""

    CHECKPOINT = "checkpoint"
    REPORT = "report"
    RUN = "run"


@dataclass(frozen=True)
class Superfluous:
    """Something that nothing needs, when it was made, and the bytes that it takes.

    `collection` is what it comes of, where that is known; is it the `newest` report of that?
    """

    kind: Prunable
    id: str
    created_at: datetime
    bytes: int = 0
    collection: str | None = None
    newest: bool = False


@dataclass(frozen=True)
class Pruner:
    """Looks through one home, and removes from it."""

    settings: Settings
    catalog: Catalog
    queue: JobQueue

    def survey(self, *, before: datetime | None = None) -> list[Superfluous]:
        """What nothing needs, and was made `before` a moment where one is given."""
        needs = self._needs()
        there = {each.name for each in self.catalog.collections.list()}
        return [
            replace(each, bytes=_size(self._folder(each)))
            for each in (*self._checkpoints(), *self._reports(), *self._runs(needs))
            if not _is_needed(each, needs, there) and (before is None or each.created_at < before)
        ]

    def remove(self, one: Superfluous) -> bool:
        """Remove what nothing needs still; False where something does now, or it is gone."""
        folder = self._folder(one)
        doomed = folder.with_name(f".{one.id}.{uuid4().hex}")
        with ExitStack() as held:
            if one.kind is Prunable.RUN:
                try:
                    held.enter_context(exclusive(folder.with_suffix(".lock")))
                except BlockingIOError:
                    return False
            with self.catalog.database.alone():
                if self._has_come_to_be_needed(one) or not folder.is_dir():
                    return False
                folder.rename(doomed)
            needed = True
            try:
                needed = self._has_come_to_be_needed(one)  # by a job: its queue is no catalog's
            finally:
                if needed:
                    with suppress(OSError):  # somebody has made the same again
                        doomed.rename(folder)
        rmtree(doomed, ignore_errors=True)
        return not needed

    def _needs(self, *, holding: Path | None = None) -> Needs:
        return look_for_needs(
            self.settings, catalog=self.catalog, queue=self.queue, holding=holding
        )

    def _has_come_to_be_needed(self, one: Superfluous) -> bool:
        there = {each.name for each in self.catalog.collections.list()}
        return _is_needed(one, self._needs(holding=self._folder(one)), there)

    def _folder(self, one: Superfluous) -> Path:
        home = self.settings.layout
        roots = {
            Prunable.CHECKPOINT: home.checkpoints,
            Prunable.REPORT: home.reports,
            Prunable.RUN: home.runs,
        }
        return roots[one.kind] / one.id

    def _checkpoints(self) -> Iterator[Superfluous]:
        for one in CheckpointStore(self.settings.layout.checkpoints).survey().checkpoints:
            learnt_from = one.data.get("collection")
            collection = None if learnt_from is None else str(learnt_from)
            yield Superfluous(Prunable.CHECKPOINT, one.id, one.created_at, collection=collection)

    def _reports(self) -> Iterator[Superfluous]:
        known: set[str] = set()
        for created_at, collection, report in sorted(self._dated_reports(), reverse=True):
            newest = collection not in known
            known.add(collection)
            yield Superfluous(
                Prunable.REPORT, report, created_at, collection=collection, newest=newest
            )

    def _dated_reports(self) -> Iterator[tuple[datetime, str, str]]:
        root = self.settings.layout.reports
        for report in published_ids(root, ID):
            try:
                body = read_manifest(root / report / "report.json", supported=_REPORT_FORMAT)
                at = datetime.fromisoformat(body["created_at"]).astimezone(UTC)
                yield at, str(body["facts"]["collection"]), report
            except (ArtifactError, OSError, KeyError, TypeError, ValueError):
                continue

    def _runs(self, needs: Needs) -> Iterator[Superfluous]:
        root = self.settings.layout.runs
        for run in published_ids(root, ID):
            if run not in needs.runs:
                at = datetime.fromtimestamp(last_touched(root / run), UTC)
                yield Superfluous(Prunable.RUN, run, at)


def _is_needed(one: Superfluous, needs: Needs, there: AbstractSet[str]) -> bool:
    """Is it, where `there` are the collections that there are?"""
    if needs.everything:
        return True
    learning = needs.learning
    if one.kind is Prunable.CHECKPOINT:
        return one.id in needs.checkpoints or one.collection in learning - {None}
    if one.kind is Prunable.RUN:
        return bool(learning) or one.id in needs.runs
    is_newest = one.newest and one.collection in there
    return is_newest or one.id in needs.reports or one.collection in learning


def _size(folder: Path) -> int:
    """The bytes of a folder; what vanishes meanwhile takes none."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(path) / name).stat().st_size
    return total
