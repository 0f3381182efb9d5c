"""`python -m molt.training`: the batch program as a process of its own.

For those who keep torch out of the process that asks, and need nothing of the command line's rest.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from molt.artifact import ArtifactError
from molt.encoder import CheckpointStore, EncoderError
from molt.index.catalog import home_url, open_catalog
from molt.index.errors import IndexingError
from molt.training.errors import TrainingError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; prints what it made. Returns the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        print(chosen.run(chosen))  # noqa: T201 - the answer
    except (ArtifactError, EncoderError, IndexingError, TrainingError) as error:
        print(f"molt: {error}", file=sys.stderr)  # noqa: T201 - for a person
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m molt.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    default = commands.add_parser("default", help="make the default checkpoint; prints its id")
    default.set_defaults(run=_default)
    add = commands.add_parser(
        "add",
        help="make a checkpoint of a model directory, or of a hub's model by name; prints its id",
    )
    add.add_argument("source")
    add.set_defaults(run=_add)
    train = commands.add_parser(
        "train", help="as `molt train`; prints events to standard error, the outcome as JSON"
    )
    train.add_argument("collection")
    train.add_argument("--base", metavar="ID")
    train.add_argument("--config", type=Path, metavar="FILE")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    train.add_argument("--catalog", metavar="URL", help="by default the home's own")
    train.set_defaults(run=_train)
    for command in (default, add, train):
        command.add_argument("--home", type=Path, required=True)
    return parser


def _default(chosen: argparse.Namespace) -> str:
    from molt.training.export.default import make_default  # noqa: PLC0415 - loads torch

    return make_default(CheckpointStore(chosen.home / "checkpoints")).id


def _add(chosen: argparse.Namespace) -> str:
    from molt.training.export.checkpoints import make_checkpoint  # noqa: PLC0415 - loads torch

    return make_checkpoint(chosen.source, store=CheckpointStore(chosen.home / "checkpoints")).id


def _train(chosen: argparse.Namespace) -> str:
    """Raises `TrainingError` where no checkpoint is named and none is active."""
    # What follows loads torch.
    from molt.index.generation import GenerationStore  # noqa: PLC0415
    from molt.training.config import read_config  # noqa: PLC0415
    from molt.training.evaluation.store import ReportStore  # noqa: PLC0415
    from molt.training.fit.progress import Event  # noqa: PLC0415
    from molt.training.material import (  # noqa: PLC0415
        active_checkpoint,
        prepare_collection,
        with_base,
    )
    from molt.training.run import Places, train  # noqa: PLC0415

    def tell(event: Event) -> None:
        print(json.dumps(event.fields()), file=sys.stderr)  # noqa: T201 - for whoever watches

    home: Path = chosen.home
    config = read_config(chosen.config, settings=chosen.set)
    store = CheckpointStore(home / "checkpoints")
    with closing(open_catalog(chosen.catalog or home_url(home))) as catalog:
        prepared = prepare_collection(catalog, chosen.collection, config=config.data)
        generations = GenerationStore(home / "generations")
        base = chosen.base or active_checkpoint(catalog, generations, chosen.collection)
    if base is None:
        raise TrainingError("the home has no default checkpoint; name one with --base")
    outcome = train(
        with_base(prepared, store.open(base)),
        config=config,
        store=store,
        places=Places(home / "runs", home / "cache"),
        watch=tell,
    )
    result: dict[str, Any] = {"run": outcome.run_id, "checkpoint": outcome.checkpoint.id}
    result |= {"improved": outcome.improved, "reason": outcome.reason, "report": None}
    if outcome.report is not None:
        result["report"] = str(ReportStore(home / "reports").publish(outcome.report))
    return json.dumps(result)


if __name__ == "__main__":
    sys.exit(main())
