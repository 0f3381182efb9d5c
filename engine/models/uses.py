"""Uses: what still needs a checkpoint, said to whoever would remove it.

An alias, a release that re-ranks by it, or a generation; that a running job needs one is not known
here.
"""

from molt.artifact import ArtifactError
from molt.engine.models.names import aliased_checkpoints
from molt.engine.settings import Settings
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.generation import GenerationStore


def use_of(checkpoint_id: str, *, catalog: Catalog, settings: Settings) -> str | None:
    """What needs a checkpoint and what could be done about it, in words; None where nothing does.

    A generation whose manifest is damaged may need what it does not tell.
    """
    named = aliased_checkpoints(catalog, settings).get(checkpoint_id)
    if named == DEFAULT:
        return "it is the default; choose another with `molt checkpoints default ID`"
    if named is not None:
        return f"the alias {named!r} stands for it; let it stand for another model first"
    for collection in catalog.collections.list():
        if collection.ranking is not None and collection.ranking.cross_encoder == checkpoint_id:
            name = collection.name
            return (
                f"searches of {name!r} are re-ranked by it; `molt rollback {name}` takes that back"
            )
    generations = GenerationStore(settings.layout.generations)
    uses = (_use_in(each, checkpoint_id, generations) for each in generations.ids())
    return next((use for use in uses if use is not None), None)


def _use_in(generation_id: str, checkpoint_id: str, generations: GenerationStore) -> str | None:
    try:
        made_with = generations.read(generation_id).checkpoint
    except GenerationNotFoundError:
        return None
    except (ArtifactError, OSError) as error:
        claimed = generations.claimed_checkpoint(generation_id)
        if claimed not in {checkpoint_id, None}:
            return None
        told = "claims to be made with it" if claimed else "does not tell what it was made with"
        return (
            f"generation {generation_id} is damaged and {told} ({error}); when its collection is "
            "served from another one, by `molt rollback`, `molt reindex` or a server that heals "
            f"it, remove {generations.root / generation_id}"
        )
    return f"generation {generation_id} was made with it" if made_with == checkpoint_id else None
