"""`molt train`: from a collection's relevance data to a checkpoint and a report."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from molt.cli.fetching import fetched
from molt.cli.following import shown_training
from molt.cli.home import existing_home, meant_checkpoint
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing
from molt.cli.reports import note_verdicts
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
    from molt.training.run import TrainingOutcome


KindOption = Annotated[
    Literal["bi-encoder", "cross-encoder"],
    typer.Option(help="What to make: an encoder, or what re-ranks what it finds."),
]
ScoringTeacherOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="Learn the scores that this checkpoint gives, an encoder or a cross-encoder.",
    ),
]


def train(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    config: ConfigOption = None,
    setting: SetOption = None,
    data: DataOption = None,
    base: BaseOption = None,
    kind: KindOption = "bi-encoder",
    teacher: ScoringTeacherOption = None,
) -> None:
    """Fit the collection's encoder to its judgments and pairs, and report what that gained.

    With --kind cross-encoder, fit a model that re-ranks what the encoder finds, on its weights.
    With --teacher, the encoder learns the scores of such a model, or of another encoder.

    Nothing that serves is changed. Killed, it goes on where it stopped when the same command is
    run again. Where nothing is gained on dev, the base is what comes out.
    """
    require_extra("training", "torch", "sentence_transformers", "datasets")
    from molt.training.config import read_config
    from molt.worker.tasks.learning import DataSource, train, train_reranker

    settings = existing_home(call)
    given = list(setting or ())
    if teacher is not None:
        if kind == "cross-encoder":
            raise typer.BadParameter("teaches encoders alone", param_hint="--teacher")
        given.append(f'objective.teacher="{meant_checkpoint(settings, teacher)}"')
    chosen = read_config(config, settings=given)
    if teacher is not None:
        chosen = chosen.model_copy(update={"objective": chosen.objective.distilling()})
    base = None if base is None else meant_checkpoint(settings, base)
    ensure_base(call, settings, collection, wanted=base)
    with fetched(data or ()) as files, shown_training(call, "train") as show:
        source = DataSource(collection, files, base, lambda made: note_rejected(call, made.card))
        run = train_reranker if kind == "cross-encoder" else train
        trained = run(workspace_of(settings), source, config=chosen, on_event=show)
    outcome = trained.outcome
    call.show({"event": "done"} | trained.fields(), lambda: _listing(outcome))
    if outcome.report is None or trained.report is None:
        call.note(f"Nothing was gained: {outcome.reason}.")
    else:
        note_verdicts(call, outcome.report, trained.report)
    if trained.decision is not None:
        said = "passed" if trained.decision.accepted else "did not pass"
        call.note(f"The cross-encoder {said} the gate: {'; '.join(trained.decision.reasons)}.")


def _listing(outcome: "TrainingOutcome") -> Listing:
    fields = [
        ("checkpoint", outcome.checkpoint.id),
        ("new", "yes" if outcome.improved else "no"),
        ("dev nDCG@10 of the base", f"{outcome.fitted.base_ndcg10:.4f}"),
        *(
            (f"dev nDCG@10 after epoch {epoch}", f"{value:.4f}")
            for epoch, value in enumerate(outcome.fitted.ndcg10, 1)
        ),
    ]
    return Listing(("field", "value"), fields)
