"""`python -m molt.worker.tasks`: the heavy tasks as a process of their own.

For those who keep torch out of the process that asks. Events go to standard error as lines of JSON,
the outcome to standard output.
"""

# ruff: noqa: PLC0415  what a task needs is imported when it runs

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.artifact import ForeseenError, Home
from molt.training.supervised import when_input_ends
from molt.worker.child import LEDGER
from molt.worker.tasks.workspace import Workspace

if TYPE_CHECKING:
    from molt.training.fit.progress import TrainingEvent

app = typer.Typer(
    help="The heavy tasks of Molt, each in a process of its own.",
    pretty_exceptions_enable=False,
    add_completion=False,
)
HomeOption = Annotated[Path, typer.Option("--home", metavar="DIR", help="The home.")]
CatalogOption = Annotated[
    str | None, typer.Option("--catalog", metavar="URL", help="By default the home's own.")
]
LedgerOption = Annotated[
    str | None,
    typer.Option(metavar="URL", envvar=LEDGER, help="The catalog that keeps account of test."),
]
FileOption = Annotated[Path | None, typer.Option("--config", metavar="FILE")]
SupervisedOption = Annotated[
    bool, typer.Option("--supervised", help="End when standard input does, as with a parent.")
]


@app.command("default")
def make_default(home: HomeOption, *, supervised: SupervisedOption = False) -> None:
    """Make the built-in checkpoint; prints its id."""
    from molt.training.export.default import make_default as make

    with _reporting(supervised=supervised):
        print(make(Workspace(Home(home)).checkpoints).id)  # noqa: T201 - the answer


@app.command("add")
def make_checkpoint(
    source: str,
    home: HomeOption,
    *,
    name: Annotated[str | None, typer.Option(help="What the manifest calls the model.")] = None,
    supervised: SupervisedOption = False,
) -> None:
    """Make a checkpoint of a model directory, or of a hub's model by name; prints JSON."""
    from molt.training.export.checkpoints import Provenance
    from molt.training.export.checkpoints import make_checkpoint as make

    with _reporting(supervised=supervised):
        origin = Provenance(base_model=name or source)
        store = Workspace(Home(home)).checkpoints
        _answer({"checkpoint": make(source, store=store, provenance=origin).id})


@app.command("train")
def train(  # noqa: PLR0913  typer reads a command's options from its parameters
    collection: str,
    home: HomeOption,
    *,
    base: Annotated[str | None, typer.Option(metavar="ID")] = None,
    config: FileOption = None,
    setting: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")] = None,
    catalog: CatalogOption = None,
    supervised: SupervisedOption = False,
) -> None:
    """As `molt train`; prints the outcome as JSON."""
    with _reporting(supervised=supervised):
        from molt.training.config import RetrainConfig, read_as
        from molt.worker.tasks import learning

        chosen = read_as(RetrainConfig, config, settings=setting or ()).training
        source = learning.DataSource(collection, base=base)
        workspace = Workspace(Home(home), catalog)
        _answer(learning.train(workspace, source, config=chosen, on_event=_tell_event).fields())


@app.command("judge")
def judge(  # noqa: PLR0913  typer reads a command's options from its parameters
    collection: str,
    home: HomeOption,
    *,
    candidate: Annotated[str, typer.Option(metavar="ID")],
    baseline: Annotated[str, typer.Option(metavar="ID")],
    config: FileOption = None,
    catalog: CatalogOption = None,
    ledger: LedgerOption = None,
    supervised: SupervisedOption = False,
) -> None:
    """May a checkpoint take another's place? Prints JSON."""
    with _reporting(supervised=supervised):
        from molt.training.config import RetrainConfig, read_as
        from molt.worker.tasks import judging

        made = judging.judge(
            Workspace(Home(home), catalog),
            collection,
            candidate=candidate,
            baseline=baseline,
            config=read_as(RetrainConfig, config),
            progress=_tell_progress,
            ledger=ledger,
        )
        _answer(made)


@app.command("tune")
def tune(  # noqa: PLR0913  typer reads a command's options from its parameters
    collection: str,
    home: HomeOption,
    *,
    base: Annotated[str, typer.Option(metavar="ID")],
    trials: int = 20,
    config: FileOption = None,
    catalog: CatalogOption = None,
    supervised: SupervisedOption = False,
) -> None:
    """As `molt tune`; prints the outcome as JSON, the configuration as nested values."""
    with _reporting(supervised=supervised):
        from molt.training.config import RetrainConfig, read_as
        from molt.worker.tasks import learning

        tuned = learning.tune(
            Workspace(Home(home), catalog),
            learning.DataSource(collection, base=base),
            config=read_as(RetrainConfig, config).training,
            trials=trials,
            on_event=_tell_event,
        )
        _answer(
            {
                "config": tuned.config.model_dump(mode="json", exclude_none=True),
                "ndcg10": tuned.ndcg10,
                "base_ndcg10": tuned.base_ndcg10,
                "trials": tuned.trials,
                "stopped": tuned.stopped,
            }
        )


@app.command("tune-search")
def tune_search(
    collection: str,
    home: HomeOption,
    *,
    config: FileOption = None,
    catalog: CatalogOption = None,
    supervised: SupervisedOption = False,
) -> None:
    """As `molt tune-search`, but for the release; prints JSON."""
    with _reporting(supervised=supervised):
        from molt.training.config import RetrainConfig, read_as
        from molt.worker.tasks.searching import tune_collection

        data = read_as(RetrainConfig, config).data
        workspace = Workspace(Home(home), catalog)
        tuned = tune_collection(workspace, collection, data=data, progress=_tell_progress)
        _answer(tuned.to_json())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one task; prints what it made. Returns the exit status."""
    try:
        app(arguments, prog_name="python -m molt.worker.tasks")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@contextmanager
def _reporting(*, supervised: bool) -> Iterator[None]:
    """Say what cannot be done as a line; when supervised, end with whoever supervises."""
    if supervised:
        _end_with_input()
    try:
        yield
    except ForeseenError as error:
        raise _failed(str(error)) from None
    except OSError as error:
        what = f"{error.filename or ''}: {error.strerror or error}".removeprefix(": ")
        raise _failed(what) from None
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        raise _failed(
            "memory ran out; docs/training.md, under Speed, says how to need less"
        ) from None


def _failed(message: str) -> typer.Exit:
    print(f"molt: {message}", file=sys.stderr)  # noqa: T201 - for a person
    return typer.Exit(1)


def _end_with_input() -> None:
    """End with standard input and nothing else: signals to the whole group are for the parent."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    when_input_ends(lambda: os._exit(1))  # whatever is at work in another thread


def _answer(made: dict[str, Any]) -> None:
    print(json.dumps(made))  # noqa: T201 - the answer


def _tell(event: dict[str, Any]) -> None:
    print(json.dumps(event), file=sys.stderr, flush=True)  # noqa: T201 - for whoever watches


def _tell_event(event: "TrainingEvent") -> None:
    _tell(event.fields())


def _tell_progress(stage: str, done: int, total: int) -> None:
    _tell({"stage": stage, "step": done, "steps": total})


if __name__ == "__main__":
    sys.exit(main())
