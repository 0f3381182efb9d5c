"""Building: a generation of a collection under some checkpoint, complete but for a few changes.

Named in the catalog before it is made, so the job that was killed goes on with the segments that
it had sealed.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from molt.artifact import ArtifactError, faultpoint
from molt.encoder import Checkpoint, open_encoder
from molt.engine.vector_cache import Remembered
from molt.index.catalog.collections import Collection
from molt.index.catalog.releases import Reason
from molt.index.errors import GenerationNotFoundError, StalePointerError
from molt.index.generations.flip import FEW, flip
from molt.index.generations.generation import new_generation_id
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.merge import MergePlan, plan_merge
from molt.worker.context import Workshop
from molt.worker.events import Teller

_PATIENCE = 60.0


def build(  # noqa: PLR0913  each by name
    shop: Workshop,
    job_id: str,
    name: str,
    *,
    checkpoint_id: str,
    reuse: bool,
    plan: MergePlan = plan_merge,
) -> str:
    """Make the job's generation of the collection `name`, or go on making it; its id.

    With `reuse`, vectors of unchanged texts are taken from generations of the same checkpoint, and
    from what its evaluation has computed. Segments are merged as `plan` says.
    """
    teller = Teller()
    collection = shop.catalog.collections.get(name)
    checkpoint = shop.checkpoints.open(checkpoint_id)
    generation_id = _begun(shop, job_id, collection, checkpoint)
    with _writing(shop, collection, generation_id, checkpoint, remember=reuse) as writer:
        if reuse:
            _borrow(shop, writer, collection)
        total = writer.behind
        while (behind := writer.behind) > FEW and writer.advance(shop.orders.batch_documents):
            faultpoint("build.advanced")
            total = max(total, behind)
            teller.progress("build", total - writer.behind, total=total, facts={})
        writer.advance(shop.orders.batch_documents)  # the few that are left are merged too
        while writer.merge_once(plan):
            teller.check()
    return generation_id


def release(
    shop: Workshop, name: str, *, generation_id: str, reason: Reason, baseline: str | None
) -> int:
    """Complete a generation and move the pointer to it, unless that was done before a kill.

    Returns the epoch that it made. Where the job rests on the checkpoint `baseline`, that one must
    still serve; raises `StalePointerError` where it does not.
    """
    collection = shop.catalog.collections.get(name)
    for move in shop.catalog.collections.releases(name):
        if move.generation == generation_id and move.reason == reason:
            return move.epoch
    manifest = shop.generations.read(generation_id)
    checkpoint = shop.checkpoints.open(manifest.checkpoint)

    def agree(now: Collection) -> None:
        if baseline is not None and now.generation is not None:
            _check_baseline(shop.generations.read(now.generation).checkpoint, baseline)

    with _writing(shop, collection, generation_id, checkpoint, remember=False) as writer:
        return flip(shop.catalog, writer, name, reason=reason, agree=agree).epoch


def _check_baseline(active: str, baseline: str) -> None:
    if active != baseline:
        raise StalePointerError(
            f"the job began when {baseline} served, but {active} serves now: somebody moved the "
            "pointer meanwhile, and that is not undone. Ask for the job again, or reload its "
            "checkpoint"
        )


@contextmanager
def _writing(
    shop: Workshop,
    collection: Collection,
    generation_id: str,
    checkpoint: Checkpoint,
    *,
    remember: bool,
) -> Iterator[GenerationWriter]:
    orders = shop.orders
    encoder = open_encoder(
        checkpoint, cache=shop.cache, runtime=orders.runtime, threads=orders.threads
    )
    with closing(encoder):
        embed = Remembered(encoder, cache=shop.cache) if remember else encoder.embed_documents
        writer = GenerationWriter(
            shop.generations,
            generation_id,
            catalog=shop.catalog,
            collection=collection,
            encoder=PassageEncoder(embed),
            patience=_PATIENCE,
        )
        with closing(writer):
            yield writer


def _begun(shop: Workshop, job_id: str, collection: Collection, checkpoint: Checkpoint) -> str:
    """The job's generation, made if need be."""
    builds = shop.catalog.builds
    generation_id = builds.of(job_id)
    if generation_id is None:
        generation_id = new_generation_id()
        builds.begin(collection, job=job_id, generation=generation_id)
        faultpoint("build.created")
    if generation_id not in shop.generations.ids():
        shop.generations.create(
            collection=collection.id,
            checkpoint=checkpoint.id,
            dimension=checkpoint.dimension,
            generation_id=generation_id,
        )
    return generation_id


def _borrow(shop: Workshop, writer: GenerationWriter, collection: Collection) -> None:
    own = writer.snapshot.manifest
    for generation_id in shop.generations.ids():
        try:
            manifest = shop.generations.read(generation_id)
            same = manifest.checkpoint == own.checkpoint and manifest.collection == collection.id
            if same and manifest.id != own.id:
                writer.borrow_from(generation_id)
        except (ArtifactError, GenerationNotFoundError):
            continue  # one that was collected, or is damaged, has nothing to lend
