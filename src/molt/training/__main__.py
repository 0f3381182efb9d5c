"""`python -m molt.training`: the batch program as a process of its own, for those without torch."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from molt.artifact import ArtifactError
from molt.encoder import CheckpointStore, EncoderError
from molt.training.errors import TrainingError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; prints the id of the checkpoint it made. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m molt.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in (
        ("default", "make the default checkpoint"),
        ("add", "make a checkpoint of a model directory, or of a hub's model by name"),
    ):
        command = commands.add_parser(name, help=summary)
        command.add_argument("--home", type=Path, required=True)
        if name == "add":
            command.add_argument("source")
    chosen = parser.parse_args(arguments)
    store = CheckpointStore(chosen.home / "checkpoints")
    try:
        print(_make(store, getattr(chosen, "source", None)))  # noqa: T201 - the answer
    except (ArtifactError, EncoderError, TrainingError) as error:
        print(f"molt: {error}", file=sys.stderr)  # noqa: T201 - for a person
        return 1
    return 0


def _make(store: CheckpointStore, source: str | None) -> str:
    """The id of a checkpoint of `source`, or of the default one. Only from here on torch loads."""
    if source is None:
        from molt.training.export.default import make_default  # noqa: PLC0415

        return make_default(store).id
    from molt.training.export.checkpoints import make_checkpoint  # noqa: PLC0415

    return make_checkpoint(source, store=store).id


if __name__ == "__main__":
    sys.exit(main())
