"""Inspecting: a checkpoint looked into by what it makes of a collection, as `molt inspect` does."""

from contextlib import closing
from dataclasses import dataclass, field

from molt.encoder import Capability, Checkpoint, open_encoder
from molt.encoder.vector_cache import OnProgress
from molt.index.catalog.judging.split_name import SplitName
from molt.training.data.config import DataConfig
from molt.training.inspecting.corpus import InspectedCorpus, built_in_corpus, sampled_corpus
from molt.training.inspecting.inspection import Inspection, InspectionPlan, inspect_model
from molt.training.material import data_configs, prepare_collection
from molt.worker.tasks.workspace import Workspace


@dataclass(frozen=True)
class InspectionRequest:
    """A checkpoint, and the collection whose documents and judged queries of `split` it is given.

    Without one it gets the built-in texts. `sample` documents are looked at.
    """

    checkpoint: str
    collection: str | None = None
    split: SplitName = SplitName.DEV
    sample: int = 2_000
    plan: InspectionPlan = field(default_factory=InspectionPlan)


def inspect_checkpoint(
    workspace: Workspace, asked: InspectionRequest, *, progress: OnProgress
) -> Inspection:
    """Look into it; nothing in the home changes but its cache.

    Raises `MissingCapabilityError` for a checkpoint that has no token vectors, and what reading
    the collection or encoding raises.
    """
    with workspace.using(asked.checkpoint):
        checkpoint = workspace.checkpoints.open(asked.checkpoint)
        checkpoint.require(Capability.TOKENS)
        corpus = _corpus(workspace, asked, checkpoint)
        with closing(open_encoder(checkpoint, cache=workspace.home.cache)) as encoder:
            cache = workspace.home.cache
            return inspect_model(
                checkpoint, encoder, corpus, plan=asked.plan, cache=cache, progress=progress
            )


def _corpus(
    workspace: Workspace, asked: InspectionRequest, checkpoint: Checkpoint
) -> InspectedCorpus:
    """Split as it was to train the checkpoint, so that held-out queries are held-out ones."""
    if asked.collection is None:
        return built_in_corpus()
    name = asked.collection
    data = next(iter(data_configs(name, [checkpoint], otherwise=DataConfig())))
    with workspace.catalog() as catalog:
        prepared = prepare_collection(catalog, name, config=data, wanted=())
    return sampled_corpus(prepared.trial(asked.split), most=asked.sample, seed=asked.plan.seed)
