"""The candidate of a run: the checkpoint of what it fitted, exported once.

Whether it is handed out is the run's to say.
"""

from shutil import rmtree

from molt.artifact import Home, write_atomically
from molt.encoder import Checkpoint, CheckpointStore
from molt.training.config import TrainConfig
from molt.training.data.card import write_data_card
from molt.training.export.checkpoints import Provenance, make_checkpoint
from molt.training.fit.fitted import Fitted, RunFolder
from molt.training.material import Material
from molt.training.uses import note_uses


def begin_run(
    run_id: str,
    material: Material,
    *,
    home: Home,
    store: CheckpointStore,
    teacher: str | None = None,
) -> RunFolder:
    """The folder of a run, which says what it works with and what it learns from.

    It is a new one where the checkpoint that the run once made has been removed since, by others.
    """
    run_folder = RunFolder(home.runs / run_id, home.cache)
    done = run_folder.exported
    is_kept = run_folder.refused.exists() or not done.exists()
    if not is_kept and done.read_text(encoding="utf-8") not in store.ids():
        rmtree(run_folder.folder)
    note_uses(run_folder.folder, (material.base.id, teacher))
    write_data_card(material.card, run_folder.folder)
    return run_folder


def export_fitted(  # noqa: PLR0913  each by name
    material: Material,
    fitted: Fitted,
    *,
    config: TrainConfig,
    store: CheckpointStore,
    run_folder: RunFolder,
    like: Checkpoint | None = None,
) -> Checkpoint:
    """The checkpoint of the best epoch's model, exported unless the run has done so before.

    An encoder pools and prompts `like` another one. Raises what `make_checkpoint` raises.
    """
    base, done = material.base, run_folder.exported
    if done.exists():
        return store.open(done.read_text(encoding="utf-8"))
    made = make_checkpoint(
        run_folder.model,
        store=store,
        pooling=None if like is None else like.pooling,
        prompts=None if like is None else like.prompts,
        max_length=base.max_length,
        provenance=Provenance(
            base_model=base.base_model,
            parent=base.id,
            training=config.model_dump(mode="json"),
            data=data_of(material),
            metrics={
                "dev_ndcg10_base": fitted.base_ndcg10,
                "dev_ndcg10": max(fitted.ndcg10),
                "epoch": fitted.best_epoch,
            },
        ),
    )
    write_atomically(done, made.id.encode())
    return made


def data_of(material: Material) -> dict[str, str]:
    """What a checkpoint says of the data that it learnt from."""
    return {"collection": material.collection, "digest": material.dataset.digest}
