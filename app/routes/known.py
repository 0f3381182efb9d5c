"""Known: what a caller means by an id, or by its beginning, within what the caller may know of.

What is there and not the caller's is as unknown as what is not there. Runs in a request thread.
"""

from molt.app.http.failures import UnknownCheckpointError
from molt.artifact import ArtifactError, match_id
from molt.encoder.checkpoint import Checkpoint
from molt.encoder.errors import CheckpointNotFoundError, EncoderError
from molt.engine.engine import Engine
from molt.engine.models.names import covers_checkpoint
from molt.index.catalog.access.reach import Reach
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.active import meant_generation
from molt.index.jobs.job import Job
from molt.index.jobs.queue import unknown_job


def known_checkpoint(engine: Engine, given: str, reach: Reach) -> Checkpoint:
    """Raises `UnknownCheckpointError` and `AmbiguousIdError`, and what reading it raises.

    Of a damaged one nobody can tell whose it is: it is unknown where `reach` is limited.
    """
    found = known_checkpoint_id(engine, given, reach)
    try:
        return engine.checkpoints.read(found)
    except CheckpointNotFoundError:  # it was removed meanwhile
        raise UnknownCheckpointError(given) from None


def known_checkpoint_id(engine: Engine, given: str, reach: Reach) -> str:
    """The same without that it is read, so also of a damaged one where `reach` is not limited.

    Raises `UnknownCheckpointError` and `AmbiguousIdError`.
    """
    ids = engine.checkpoints.ids()
    if reach.limited:
        candidates = [given] if given in ids else ids
        ids = [each for each in candidates if _is_covered(engine, each, reach)]
    found = engine.catalog.names.find(given, ids)
    if found is None:
        raise UnknownCheckpointError(given)
    return found


def known_job(engine: Engine, given: str, reach: Reach) -> Job:
    """Raises `JobNotFoundError` and `AmbiguousIdError`."""
    candidates = engine.jobs.beginning_with(given)
    visible = {job.id: job for job in candidates if reach.covers(job.collection)}
    found = match_id(given, visible, what="job")
    if found is None:
        raise unknown_job(given)
    return visible[found]


def known_generation(engine: Engine, given: str, reach: Reach) -> str:
    """The id of a generation. Raises `GenerationNotFoundError` and `AmbiguousIdError`."""
    ids = engine.generations.ids()
    if reach.limited:
        owners = {one.id for one in engine.catalog.collections.list() if reach.covers(one.name)}
        ids = [each for each in ids if _owner(engine, each) in owners]
    found = meant_generation(engine.catalog, given, ids)
    if found is None:
        raise GenerationNotFoundError(
            f"there is no generation {given[:80]!r}; GET /admin/generations lists them"
        )
    return found


def _is_covered(engine: Engine, checkpoint_id: str, reach: Reach) -> bool:
    """A damaged one may be anybody's."""
    try:
        return covers_checkpoint(reach, engine.checkpoints.read(checkpoint_id))
    except (ArtifactError, EncoderError, OSError):
        return False


def _owner(engine: Engine, generation_id: str) -> int | None:
    try:
        return engine.generations.read(generation_id).collection
    except (ArtifactError, GenerationNotFoundError, OSError):
        return None
