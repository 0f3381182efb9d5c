"""`molt distil`: a smaller and faster checkpoint of another one, and what that costs and brings."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.edge import CommandError
from molt.cli.following import shown_training
from molt.cli.home import existing_home, meant_checkpoint
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing
from molt.cli.reports import note_verdicts
from molt.cli.training import (
    ConfigOption,
    SetOption,
    ensure_base,
    require_extra,
    workspace_of,
)

if TYPE_CHECKING:
    from molt.training.distilling.distil import DistilOutcome
    from molt.worker.tasks.learning import Distilled

LayersOption = Annotated[
    int | None, typer.Option(min=1, help="Distil into a transformer of so many layers.")
]
StaticOption = Annotated[
    bool, typer.Option("--static", help="Distil into a table of token vectors (model2vec).")
]
DimensionsOption = Annotated[
    int | None,
    typer.Option(min=2, help="Numbers in a static vector; by default 256, or all there are."),
]
TeacherOption = Annotated[
    str | None, typer.Option(metavar="ID", help="Checkpoint to distil; by default the active one.")
]


def distil(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    layers: LayersOption = None,
    static: StaticOption = False,
    dimensions: DimensionsOption = None,
    teacher: TeacherOption = None,
    config: ConfigOption = None,
    setting: SetOption = None,
) -> None:
    """Make a smaller and faster checkpoint that gives nearly the vectors of its teacher.

    Learns from the collection's own texts, and reports on its held-out queries, where it has any,
    what is lost. Nothing that serves is changed.
    """
    if static is (layers is not None) or (dimensions is not None and not static):
        raise CommandError("say what to make: --layers N, or --static with or without --dimensions")
    require_extra(
        "distilling", "torch", "sentence_transformers", "datasets", "model2vec", "skeletoken"
    )
    from molt.training.config import read_as
    from molt.training.distilling.config import DistilConfig
    from molt.worker.tasks.learning import distil

    settings = existing_home(call)
    chosen = read_as(DistilConfig, config, settings=setting or ())
    teacher = None if teacher is None else meant_checkpoint(settings, teacher)
    ensure_base(call, settings, collection, wanted=teacher)
    with shown_training(call, "distil") as show:
        distilled = distil(
            workspace_of(settings),
            collection,
            config=chosen,
            teacher=teacher,
            layers=layers,
            dimensions=dimensions,
            on_event=show,
        )
    _show(call, distilled)


def _show(call: Invocation, distilled: "Distilled") -> None:
    outcome, folder, reason = distilled.outcome, distilled.report, distilled.reason
    described = _described(outcome) | {"reason": reason, "report": folder and str(folder)}
    call.show(described, lambda: _listing(outcome))
    if outcome.report is None or folder is None:
        call.note(f"No report, ranking was not measured: {reason}")
    else:
        note_verdicts(call, outcome.report, folder)


def _described(outcome: "DistilOutcome") -> dict[str, Any]:
    ndcg10 = outcome.ndcg10
    return {
        "event": "done",
        "run": outcome.run_id,
        "checkpoint": outcome.student.checkpoint.id,
        "teacher": outcome.teacher.id,
        "closeness": asdict(outcome.student.closeness),
        "ndcg10": None if ndcg10 is None else {"teacher": ndcg10[0], "student": ndcg10[1]},
        "texts_per_second": _both(outcome, "texts_per_second") | {"ratio": outcome.speed},
        "graph_bytes": _both(outcome, "graph_bytes") | {"ratio": outcome.size},
        "variant": _both(outcome, "variant"),
    }


def _both(outcome: "DistilOutcome", name: str) -> dict[str, Any]:
    served = {"teacher": outcome.teacher_served, "student": outcome.served}
    return {role: getattr(each, name) for role, each in served.items()}


def _listing(outcome: "DistilOutcome") -> Listing:
    closeness, before, after = outcome.student.closeness, outcome.teacher_served, outcome.served
    rows = [("checkpoint", outcome.student.checkpoint.id), ("teacher", outcome.teacher.id)]
    if outcome.ndcg10 is not None:
        teacher, student = outcome.ndcg10
        change = f", {100 * (student / teacher - 1):+.1f} %" if teacher else ""
        rows.append(("nDCG@10 on test", f"{student:.4f} (teacher {teacher:.4f}{change})"))
    if closeness.cosine is not None:
        rows.append(("cosine to the teacher", f"{closeness.cosine:.4f}"))
    rows.append(("correlation with the teacher", f"{closeness.correlation:.4f}"))
    pace = f"{after.texts_per_second:.0f} (teacher {before.texts_per_second:.0f}"
    rows.append(("texts/s", f"{pace}, {outcome.speed:.1f} times as fast)"))
    size = f"{after.graph_bytes / 2**20:.1f} (teacher {before.graph_bytes / 2**20:.1f}"
    rows.append(("MiB of graph", f"{size}, {outcome.size:.2f} times the size)"))
    return Listing(("field", "value"), rows)
