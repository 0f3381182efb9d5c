"""Needs: which checkpoints, reports and runs of a home something still asks for.

Reads the catalog, the queue, the settings and manifests; removes nothing. Where it cannot tell what
something needs, it needs everything.
"""

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from molt.artifact import ArtifactError, exclusive, published_ids
from molt.encoder.store import CheckpointStore
from molt.engine.cross_encoding import newest_cross_encoder
from molt.engine.settings import Settings
from molt.index.catalog.catalog import Catalog
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.job import JobKind
from molt.index.jobs.queue import JobQueue
from molt.training.uses import read_uses

ID = re.compile(r"[0-9a-f]{16}")
"""The ids of checkpoints, reports and runs."""
_AN_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")
_LEARNING = frozenset((JobKind.RETRAIN, JobKind.TUNE, JobKind.EVALUATE, JobKind.TUNE_SEARCH))
_EXPORTED = "checkpoint"
_FINISHED = (_EXPORTED, "refused", "student.json")
_UNFINISHED_SECONDS = 7 * 24 * 3600.0
"""For so long a run that was interrupted may be gone on with."""


@dataclass(frozen=True)
class Needs:
    """Ids that are needed, at one moment.

    Runs are, that another process is at or that may be gone on with. `learning` are the collections
    that a job learns from: what came of them may be its. Where `everything` is true something could
    not be read that may need whatever there is.
    """

    checkpoints: frozenset[str]
    reports: frozenset[str]
    runs: frozenset[str]
    learning: frozenset[str | None]
    everything: bool = False


def look_for_needs(
    settings: Settings, *, catalog: Catalog, queue: JobQueue, holding: Path | None = None
) -> Needs:
    """What is needed now; the run at `holding` is held by whoever asks, and so by no other."""
    store = GenerationStore(settings.layout.generations)
    made_with = [_made_with(store, each) for each in store.ids()]
    unended = queue.at_work()
    root = settings.layout.runs
    runs = _needed_runs(root, holding, learning=any(job.kind in _LEARNING for job in unended))
    checkpoints = {each for each in made_with if each}
    checkpoints.update(catalog.aliases.all().values(), catalog.names.all())
    checkpoints |= catalog.collections.released_cross_encoders()
    checkpoints |= _re_ranking(settings, catalog)
    checkpoints.update(_AN_ID.findall(settings.model_dump_json()))
    for job in unended:
        checkpoints.update(_AN_ID.findall(json.dumps(dict(job.options))))
        checkpoints |= read_uses(settings.layout.job_folder(job.id))
    for run in runs:
        checkpoints |= {_exported(root / run)} | read_uses(root / run)
    return Needs(
        checkpoints=frozenset(checkpoints),
        reports=catalog.collections.released_reports(),
        runs=frozenset(runs),
        learning=frozenset(job.collection for job in unended if job.kind in _LEARNING),
        everything=None in made_with,
    )


def last_touched(folder: Path) -> float:
    """When something in a folder was last written; what vanishes meanwhile does not count."""
    moments = [0.0]
    for path, _, names in os.walk(folder):
        for each in (Path(path), *(Path(path) / name for name in names)):
            with suppress(FileNotFoundError):
                moments.append(each.lstat().st_mtime)
    return max(moments)


def _re_ranking(settings: Settings, catalog: Catalog) -> set[str]:
    """The cross-encoder that each collection's searches ask for, where no release names one."""
    known = CheckpointStore(settings.layout.checkpoints).survey().checkpoints
    names = [each.name for each in catalog.collections.list()]
    found = [newest_cross_encoder(known, name) for name in names]
    return {each.id for each in found if each is not None}


def _made_with(store: GenerationStore, generation_id: str) -> str | None:
    """The checkpoint of a generation; nothing where it is gone, None where nobody can tell."""
    try:
        return store.read(generation_id).checkpoint
    except GenerationNotFoundError:
        return ""
    except (ArtifactError, OSError):
        return store.claimed_checkpoint(generation_id)


def _needed_runs(root: Path, holding: Path | None, *, learning: bool) -> set[str]:
    """Runs that another process is at, or that were interrupted and may be gone on with."""
    return {
        run
        for run in published_ids(root, ID)
        if (root / run != holding and _is_held(root / run))
        or _is_resumable(root / run, learning=learning)
    }


def _is_held(folder: Path) -> bool:
    try:
        with exclusive(folder.with_suffix(".lock")):
            return False
    except BlockingIOError:
        return True


def _is_resumable(folder: Path, *, learning: bool) -> bool:
    """While a job learns it may go on with a run however long ago that was interrupted."""
    if any((folder / name).exists() for name in _FINISHED):
        return False
    return learning or time.time() - last_touched(folder) <= _UNFINISHED_SECONDS


def _exported(folder: Path) -> str:
    """The checkpoint that a run has made, or nothing."""
    with suppress(OSError):
        return (folder / _EXPORTED).read_text(encoding="utf-8").strip()
    return ""
