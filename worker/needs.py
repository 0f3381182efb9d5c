"""Needs: which checkpoints, reports and runs of a home something still asks for.

Reads the catalog, the queue, the settings and manifests; removes nothing. Where it cannot tell what
something needs, it needs everything.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from molt.artifact import ArtifactError, exclusive, published_ids
from molt.engine.settings import Settings
from molt.index.catalog.catalog import Catalog
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.job import JobKind
from molt.index.jobs.queue import JobQueue

ID = re.compile(r"[0-9a-f]{16}")
"""The ids of checkpoints, reports and runs."""
_AN_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")
_LEARNING = frozenset((JobKind.RETRAIN, JobKind.TUNE, JobKind.EVALUATE))
_EXPORTED = "checkpoint"


@dataclass(frozen=True)
class Needs:
    """Ids that are needed, at one moment.

    `learning` are the collections that a job learns from: what came of them may be its. Where
    `everything` is true something could not be read that may need whatever there is.
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
    runs = _held_runs(settings.layout.runs, holding)
    checkpoints = {each for each in made_with if each}
    checkpoints.update(catalog.aliases.all().values(), catalog.names.all())
    checkpoints.update(_AN_ID.findall(settings.model_dump_json()))
    for job in unended:
        checkpoints.update(_AN_ID.findall(json.dumps(dict(job.options))))
    checkpoints.update(_exported(settings.layout.runs / run) for run in runs)
    return Needs(
        checkpoints=frozenset(checkpoints),
        reports=catalog.collections.released_reports(),
        runs=frozenset(runs),
        learning=frozenset(job.collection for job in unended if job.kind in _LEARNING),
        everything=None in made_with,
    )


def _made_with(store: GenerationStore, generation_id: str) -> str | None:
    """The checkpoint of a generation; nothing where it is gone, None where nobody can tell."""
    try:
        return store.read(generation_id).checkpoint
    except GenerationNotFoundError:
        return ""
    except (ArtifactError, OSError):
        return store.claimed_checkpoint(generation_id)


def _held_runs(root: Path, holding: Path | None) -> set[str]:
    """Runs that another process is at."""
    held = set()
    for run in published_ids(root, ID):
        if root / run == holding:
            continue
        try:
            with exclusive((root / run).with_suffix(".lock")):
                continue
        except BlockingIOError:
            held.add(run)
    return held


def _exported(folder: Path) -> str:
    """The checkpoint that a run has made, or nothing."""
    with suppress(OSError):
        return (folder / _EXPORTED).read_text(encoding="utf-8").strip()
    return ""
