"""Pruning: the checkpoints, reports and runs of a home that nothing needs, found and removed.

Before each removal it is looked again whether something needs it, while nobody can write to the
catalog. What is damaged is left alone: nobody can tell whose it is.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
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
from molt.worker.needs import ID, Needs, look_for_needs

_REPORT_FORMAT = 1
_FINISHED = ("checkpoint", "refused")
_UNFINISHED_SECONDS = 7 * 24 * 3600.0
"""For so long a run that was interrupted may be gone on with."""


class Prunable(StrEnum):
    """What a home keeps that nothing may come to need."""

    CHECKPOINT = "checkpoint"
    REPORT = "report"
    RUN = "run"


@dataclass(frozen=True)
class Superfluous:
    """Something that nothing needs, when it was made, and the bytes that it takes."""

    kind: Prunable
    id: str
    created_at: datetime
    bytes: int


@dataclass(frozen=True)
class Pruner:
    """Looks through one home, and removes from it."""

    settings: Settings
    catalog: Catalog
    queue: JobQueue

    def survey(self, *, before: datetime | None = None) -> list[Superfluous]:
        """What nothing needs, and was made `before` a moment where one is given."""
        needs = look_for_needs(self.settings, catalog=self.catalog, queue=self.queue)
        found = (each for kind in Prunable for each in self._idle(kind, needs))
        return [each for each in found if before is None or each.created_at < before]

    def remove(self, one: Superfluous) -> bool:
        """Remove what nothing needs still; False where something does now, or it is gone."""
        folder = self._root(one.kind) / one.id
        with ExitStack() as held:
            if one.kind is Prunable.RUN:
                try:
                    held.enter_context(exclusive(folder.with_suffix(".lock")))
                except BlockingIOError:
                    return False
            held.enter_context(self.catalog.database.alone())
            needs = look_for_needs(
                self.settings, catalog=self.catalog, queue=self.queue, holding=folder
            )
            if one.id not in {each.id for each in self._idle(one.kind, needs)}:
                return False
            doomed = folder.with_name(f".{one.id}.{uuid4().hex}")
            folder.rename(doomed)
        rmtree(doomed, ignore_errors=True)
        return True

    def _root(self, kind: Prunable) -> Path:
        home = self.settings.layout
        roots = {
            Prunable.CHECKPOINT: home.checkpoints,
            Prunable.REPORT: home.reports,
            Prunable.RUN: home.runs,
        }
        return roots[kind]

    def _idle(self, kind: Prunable, needs: Needs) -> Iterator[Superfluous]:
        looks = {
            Prunable.CHECKPOINT: self._idle_checkpoints,
            Prunable.REPORT: self._idle_reports,
            Prunable.RUN: self._idle_runs,
        }
        return iter(()) if needs.everything else looks[kind](needs)

    def _idle_checkpoints(self, needs: Needs) -> Iterator[Superfluous]:
        for one in CheckpointStore(self.settings.layout.checkpoints).survey().checkpoints:
            learnt_from = one.data.get("collection")
            if one.id not in needs.checkpoints and learnt_from not in needs.learning - {None}:
                yield Superfluous(Prunable.CHECKPOINT, one.id, one.created_at, _size(one.path))

    def _idle_reports(self, needs: Needs) -> Iterator[Superfluous]:
        """Those that no release rests on, but for the newest of each collection that there is."""
        there = {each.name for each in self.catalog.collections.list()}
        newest: set[str] = set()
        for created_at, collection, report in sorted(self._reports(), reverse=True):
            is_newest = collection in there and collection not in newest
            newest.add(collection)
            if report not in needs.reports and not is_newest and collection not in needs.learning:
                folder = self.settings.layout.reports / report
                yield Superfluous(Prunable.REPORT, report, created_at, _size(folder))

    def _reports(self) -> Iterator[tuple[datetime, str, str]]:
        root = self.settings.layout.reports
        for report in published_ids(root, ID):
            try:
                body = read_manifest(root / report / "report.json", supported=_REPORT_FORMAT)
                at = datetime.fromisoformat(body["created_at"]).astimezone(UTC)
                yield at, str(body["facts"]["collection"]), report
            except (ArtifactError, OSError, KeyError, TypeError, ValueError):
                continue

    def _idle_runs(self, needs: Needs) -> Iterator[Superfluous]:
        """Those that ended, or were interrupted long ago, while no job learns."""
        if needs.learning:
            return
        root = self.settings.layout.runs
        for run in published_ids(root, ID):
            touched = _touched(root / run)
            ended = any((root / run / name).exists() for name in _FINISHED)
            abandoned = time.time() - touched > _UNFINISHED_SECONDS
            if run not in needs.runs and (ended or abandoned):
                at = datetime.fromtimestamp(touched, UTC)
                yield Superfluous(Prunable.RUN, run, at, _size(root / run))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _touched(folder: Path) -> float:
    """When something in a folder was last written."""
    return max((path.stat().st_mtime for path in (folder, *folder.rglob("*"))), default=0.0)
