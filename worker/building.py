"""Building: a generation of a collection under some checkpoint, complete but for a few changes.

Named in the catalog before it is made, so the job that was killed goes on with the segments that
it had sealed.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from molt.artifact import ArtifactError, faultpoint
from molt.encoder import Checkpoint, open_encoder
from molt.encoder.vector_cache import CachedEmbedding
from molt.engine.indexing.passages import passage_encoder
from molt.index.catalog.collection import Collection
from molt.index.catalog.collections import AS_SERVED, RankingChoice
from molt.index.catalog.releases import Reason
from molt.index.errors import (
    CollectionNotFoundError,
    GenerationError,
    GenerationNotFoundError,
    StalePointerError,
)
from molt.index.generations.description import describe_quarantine
from molt.index.generations.flip import FEW, flip
from molt.index.generations.generation import GenerationManifest, new_generation_id
from molt.index.generations.protocols import WritableGeneration
from molt.index.generations.writer import GenerationWriter
from molt.index.ranking.ranking import SearchRanking
from molt.index.segments.merge import MergePlan
from molt.worker.context import JobContext
from molt.worker.events import JobEvents

_PATIENCE = 60.0


def build(  # noqa: PLR0913  each by name
    context: JobContext,
    job_id: str,
    name: str,
    *,
    checkpoint_id: str,
    reuse: bool,
    plan: MergePlan | None = None,
) -> str:
    """Make the job's generation of the collection `name`, or go on making it; its id.

    With `reuse`, vectors of unchanged texts are taken from generations of the same checkpoint, and
    from what its evaluation has computed. Segments are merged as `plan` says, where one is given.
    """
    events = JobEvents()
    collection = context.catalog.collections.get(name)
    checkpoint = context.checkpoints.open(checkpoint_id)
    generation_id = _begun(context, job_id, collection, checkpoint)
    with _writing(
        context, collection, generation_id, checkpoint, remember=reuse, plan=plan
    ) as writer:
        if reuse:
            _borrow(context, writer, collection)
        total = writer.behind
        while (behind := writer.behind) > FEW and writer.advance(
            context.settings.index.batch_documents
        ):
            faultpoint("build.advanced")
            total = max(total, behind)
            events.progress("build", total - writer.behind, total=total, facts={})
        writer.advance(
            context.settings.index.batch_documents
        )  # the few that are left are merged too
        while writer.merge_once():
            events.check()
    return generation_id


def release(  # noqa: PLR0913  each by name
    context: JobContext,
    name: str,
    *,
    generation_id: str,
    reason: Reason,
    baseline: str | None,
    ranking: RankingChoice = AS_SERVED,
) -> int:
    """Complete a generation and move the pointer to it, unless that was done before a kill.

    Returns the epoch that it made; searches rank by `ranking` from then on. Where the job rests on
    the checkpoint `baseline`, that one must still serve; raises `StalePointerError` where it does
    not. Raises `GenerationError` where a document that can be found would be found no more.
    """
    collection = context.catalog.collections.get(name)
    for move in context.catalog.collections.releases(name):
        if move.generation == generation_id and move.reason == reason:
            return move.epoch
    manifest = context.generations.read(generation_id)
    _check_owner(manifest, collection)
    checkpoint = context.checkpoints.open(manifest.checkpoint)

    def agree(now: Collection) -> None:
        _check_owner(manifest, now)
        if baseline is not None and now.generation is not None:
            _check_baseline(context.generations.read(now.generation).checkpoint, baseline)
        _check_quarantine(context, now, writer.snapshot.manifest)

    with _writing(context, collection, generation_id, checkpoint, remember=False) as writer:
        return flip(
            context.catalog, writer, name, reason=reason, agree=agree, ranking=ranking
        ).epoch


def retune(
    context: JobContext, name: str, ranking: SearchRanking, *, reason: Reason, baseline: str
) -> int:
    """Let searches rank so from now on, unless that was done before a kill; the epoch it made.

    Raises `StalePointerError` where the checkpoint `baseline`, by which it was tuned, serves no
    more.
    """
    for move in context.catalog.collections.releases(name):
        if move.reason == reason:
            return move.epoch
    now = context.catalog.collections.get(name)
    _check_baseline(context.generations.read(str(now.generation)).checkpoint, baseline)
    moved = context.catalog.collections.retune(
        name, ranking, reason=reason, epoch_expected=now.epoch
    )
    return moved.epoch


def _check_owner(manifest: GenerationManifest, collection: Collection) -> None:
    if manifest.collection != collection.id:
        raise CollectionNotFoundError(
            f"the collection {collection.name!r} was deleted while the job was at work; the one "
            "that has its name now was not touched"
        )


def _check_baseline(active: str, baseline: str) -> None:
    if active != baseline:
        raise StalePointerError(
            f"the job began when {baseline} served, but {active} serves now: somebody moved the "
            "pointer meanwhile, and that is not undone. Ask for the job again, or reload its "
            "checkpoint"
        )


def _check_quarantine(context: JobContext, now: Collection, made: GenerationManifest) -> None:
    """What serves encodes a document that the new generation has set aside: nothing is moved."""
    try:
        active = context.generations.read(str(now.generation))
    except (ArtifactError, GenerationNotFoundError):
        return  # it answers by nothing
    former = {one.doc_id for one in active.quarantined}
    lost = [
        one
        for one in made.quarantined
        if one.doc_id not in former and one.revision <= active.revision
    ]
    if lost:
        raise GenerationError(
            f"nothing was moved: checkpoint {made.checkpoint} would leave out "
            f"{describe_quarantine(lost)}, which can be found now; change or delete them, or ask "
            "for another checkpoint"
        )


@contextmanager
def _writing(  # noqa: PLR0913  each by name
    context: JobContext,
    collection: Collection,
    generation_id: str,
    checkpoint: Checkpoint,
    *,
    remember: bool,
    plan: MergePlan | None = None,
) -> Iterator[WritableGeneration]:
    encoding = context.settings.encoder
    encoder = open_encoder(
        checkpoint,
        cache=context.home.cache,
        runtime=encoding.runtime,
        threads=encoding.threads,
        seconds=context.settings.limits.encode_seconds,
    )
    with closing(encoder):
        embed = (
            CachedEmbedding(encoder, cache=context.home.cache)
            if remember
            else encoder.embed_documents
        )
        splitting = context.generations.read(generation_id).splitting
        writer = GenerationWriter(
            context.generations,
            generation_id,
            catalog=context.catalog,
            collection=collection,
            encoder=passage_encoder(encoder, splitting, embed=embed),
            patience=_PATIENCE,
            plan=plan,
        )
        with closing(writer):
            yield writer


def _begun(context: JobContext, job_id: str, collection: Collection, checkpoint: Checkpoint) -> str:
    """The job's generation, made if need be."""
    builds = context.catalog.builds
    generation_id = builds.of(job_id)
    if generation_id is None:
        generation_id = new_generation_id()
        builds.begin(collection, job=job_id, generation=generation_id)
        faultpoint("build.created")
    if generation_id not in context.generations.ids():
        context.generations.create(
            collection=collection.id,
            checkpoint=checkpoint.id,
            dimension=checkpoint.dimension,
            splitting=collection.splitting,
            generation_id=generation_id,
        )
    return generation_id


def _borrow(context: JobContext, writer: WritableGeneration, collection: Collection) -> None:
    own = writer.snapshot.manifest
    for generation_id in context.generations.ids():
        try:
            manifest = context.generations.read(generation_id)
            same = manifest.checkpoint == own.checkpoint and manifest.collection == collection.id
            if same and manifest.id != own.id:
                writer.borrow_from(generation_id)
        except (ArtifactError, GenerationNotFoundError):
            continue  # one that was collected, or is damaged, has nothing to lend
