"""`python -m molt.worker.tasks`: the batch program as a process of its own.

For those who keep torch out of the process that asks, and need nothing of the command line's rest.
Events go to standard error as lines of JSON, the outcome to standard output.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from molt.artifact import ArtifactError
from molt.encoder import EncoderError
from molt.index.errors import IndexingError
from molt.training.errors import TrainingError
from molt.training.supervised import when_input_ends
from molt.worker.tasks import commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; prints what it made. Returns the exit status."""
    chosen = _parser().parse_args(arguments)
    if chosen.leash:
        _leash()
    place = commands.Place(chosen.home, getattr(chosen, "catalog", None))
    try:
        made = chosen.run(place, chosen)
    except (ArtifactError, EncoderError, IndexingError, TrainingError) as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        return _failed("memory ran out; docs/training.md, under Speed, says how to need less")
    print(made if isinstance(made, str) else json.dumps(made))  # noqa: T201 - the answer
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m molt.worker.tasks", description=__doc__)
    names = parser.add_subparsers(dest="command", required=True)
    default = names.add_parser("default", help="make the default checkpoint; prints its id")
    default.set_defaults(run=lambda place, _: commands.make_default(place))
    add = names.add_parser(
        "add",
        help="make a checkpoint of a model directory, or of a hub's model by name; prints JSON",
    )
    add.add_argument("source")
    add.add_argument("--name", help="what the manifest calls the model; by default its source")
    add.set_defaults(run=lambda place, chosen: commands.add(place, chosen.source, name=chosen.name))
    train = names.add_parser("train", help="as `molt train`; prints the outcome as JSON")
    train.add_argument("collection")
    train.add_argument("--base", metavar="ID")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    train.set_defaults(run=_train)
    judge = names.add_parser("judge", help="may a checkpoint take another's place? prints JSON")
    judge.add_argument("collection")
    judge.add_argument("--candidate", required=True, metavar="ID")
    judge.add_argument("--baseline", required=True, metavar="ID")
    judge.set_defaults(run=_judge)
    tune = names.add_parser("tune", help="as `molt tune`; prints the outcome as JSON")
    tune.add_argument("collection")
    tune.add_argument("--base", required=True, metavar="ID")
    tune.add_argument("--trials", type=int, default=20)
    tune.set_defaults(run=_tune)
    for command in (train, judge, tune):
        command.add_argument("--config", type=Path, metavar="FILE")
        command.add_argument("--catalog", metavar="URL", help="by default the home's own")
    for command in (default, add, train, judge, tune):
        command.add_argument("--home", type=Path, required=True)
        command.add_argument(
            "--leash", action="store_true", help="end when standard input does, as with a parent"
        )
    return parser


def _train(place: commands.Place, chosen: argparse.Namespace) -> dict[str, Any]:
    return commands.train(
        place, chosen.collection, base=chosen.base, config=chosen.config, settings=chosen.set
    )


def _judge(place: commands.Place, chosen: argparse.Namespace) -> dict[str, Any]:
    return commands.judge(
        place,
        chosen.collection,
        candidate=chosen.candidate,
        baseline=chosen.baseline,
        config=chosen.config,
    )


def _tune(place: commands.Place, chosen: argparse.Namespace) -> dict[str, Any]:
    return commands.tune(
        place, chosen.collection, base=chosen.base, config=chosen.config, trials=chosen.trials
    )


def _leash() -> None:
    """End with standard input and nothing else: signals to the whole group are for the parent."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    when_input_ends(lambda: os._exit(1))  # whatever is at work in another thread


def _failed(message: str) -> int:
    print(f"molt: {message}", file=sys.stderr)  # noqa: T201 - for a person
    return 1


if __name__ == "__main__":
    sys.exit(main())
