"""The cross-encoders that the searches of a collection may be re-ranked by, for tuning and judging.

That which its release names, and the newest one that was trained on it and passed its gate.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress

from molt.artifact import ArtifactError
from molt.encoder import Checkpoint, CrossEncoder, open_cross_encoder
from molt.encoder.errors import EncoderError
from molt.engine.cross_encoding import newest_cross_encoder
from molt.index.catalog.collection import Collection
from molt.training.data.config import DataConfig
from molt.worker.tasks.workspace import Workspace


def sharing_split(
    cross_encoders: Sequence[CrossEncoder], collection: str, *, data: DataConfig
) -> tuple[CrossEncoder, ...]:
    """Those that have not learnt from queries of dev and test as `data` draws them."""
    return tuple(one for one in cross_encoders if _shares(one.checkpoint, collection, data))


@contextmanager
def opened_cross_encoders(
    workspace: Workspace, collection: str
) -> Iterator[tuple[CrossEncoder, ...]]:
    """Those of a collection that are sound, open and not pruned for as long as the block lasts.

    One that is damaged re-ranks no search either. Raises `CollectionNotFoundError`.
    """
    with workspace.catalog() as catalog:
        wanted = _wanted(workspace, catalog.collections.get(collection))
    with workspace.using(*wanted), ExitStack() as stack:
        opened = []
        for checkpoint_id in wanted:
            with suppress(ArtifactError, EncoderError, OSError):
                checkpoint = workspace.checkpoints.open(checkpoint_id)
                scorer = open_cross_encoder(checkpoint, cache=workspace.home.cache)
                opened.append(stack.enter_context(closing(scorer)))
        yield tuple(opened)


def _shares(checkpoint: Checkpoint, collection: str, data: DataConfig) -> bool:
    learnt_from = checkpoint.data.get("collection")
    if learnt_from != collection:
        return True
    return DataConfig.model_validate(checkpoint.training.get("data", {})) == data


def _wanted(workspace: Workspace, collection: Collection) -> list[str]:
    """The ids of their checkpoints."""
    released = None if collection.ranking is None else collection.ranking.cross_encoder
    newest = newest_cross_encoder(workspace.checkpoints.survey().checkpoints, collection.name)
    both = (released, None if newest is None else newest.id)
    return list(dict.fromkeys(one for one in both if one is not None))
