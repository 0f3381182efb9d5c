"""`molt tune`: the configuration that makes the best encoder of a collection's data."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.fetching import fetched
from molt.cli.following import shown_training
from molt.cli.home import existing_home, meant_checkpoint
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing
from molt.cli.training import (
    BaseOption,
    ConfigOption,
    DataOption,
    SetOption,
    ensure_base,
    note_rejected,
    require_extra,
    workspace_of,
)

if TYPE_CHECKING:
    from molt.training.tuning.study import Tuned


def tune(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    trials: Annotated[int, typer.Option(min=1, help="How many, earlier ones included.")] = 20,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the best configuration is written.")
    ] = Path("tuned.toml"),
    config: ConfigOption = None,
    setting: SetOption = None,
    data: DataOption = None,
    base: BaseOption = None,
) -> None:
    """Search for the configuration whose encoder ranks dev best, and write it to a file.

    Interrupted, the search goes on when the same command is run again. `molt train --config FILE`
    takes what it finds.
    """
    require_extra("tuning", "torch", "optuna")
    from molt.training.config import read_config, write_config
    from molt.worker.tasks.learning import DataSource, tune

    settings = existing_home(call)
    chosen = read_config(config, settings=setting or ())
    base = None if base is None else meant_checkpoint(settings, base)
    ensure_base(call, settings, collection, wanted=base)
    with fetched(data or ()) as files, shown_training(call, "tune") as show:
        source = DataSource(collection, files, base, lambda made: note_rejected(call, made.card))
        tuned = tune(workspace_of(settings), source, config=chosen, trials=trials, on_event=show)
    write_config(tuned.config, out)
    call.show(_described(tuned, out), lambda: _listing(tuned, out))


def _described(tuned: "Tuned", out: Path) -> dict[str, Any]:
    return {
        "event": "done",
        "config": str(out),
        "ndcg10": tuned.ndcg10,
        "base_ndcg10": tuned.base_ndcg10,
        "trials": tuned.trials,
        "stopped": tuned.stopped,
    }


def _listing(tuned: "Tuned", out: Path) -> Listing:
    return Listing(
        ("field", "value"),
        [
            ("configuration", out),
            ("dev nDCG@10 of the base", f"{tuned.base_ndcg10:.4f}"),
            ("dev nDCG@10 of the best trial", f"{tuned.ndcg10:.4f}"),
            ("trials", tuned.trials),
            ("stopped early", tuned.stopped),
        ],
    )
