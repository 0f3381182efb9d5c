"""`molt experiment`: two ways to search compared by what users click on."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from molt.cli.auditing import actor
from molt.cli.commands.swapping import ReasonOption
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.judging.experiments.experiment import Experiment


def start_experiment(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    a: Annotated[
        str,
        typer.Option("--a", metavar="ARM", help="generation=ID,mode=MODE,rerank=KIND, or less."),
    ] = "",
    b: Annotated[
        str, typer.Option("--b", metavar="ARM", help="The same; by default what serves.")
    ] = "",
    method: Annotated[
        Literal["team-draft", "probabilistic"], typer.Option(help="How hits are interleaved.")
    ] = "team-draft",
    share: Annotated[float, typer.Option(help="Part of the searches that take part.")] = 0.5,
    level: Annotated[float, typer.Option(help="Chance to decide although nothing differs.")] = 0.05,
) -> None:
    """Let two ways to search answer together; by default what served before and what serves."""
    from molt.engine.watch.experiments.planning import parse_arm, planned
    from molt.index.catalog.judging.experiments.experiment import Plan
    from molt.index.generations.generation import GenerationStore

    settings = existing_home(call)
    arms = parse_arm(a, option="--a"), parse_arm(b, option="--b")
    with opened_catalog(settings) as catalog:
        store = GenerationStore(settings.layout.generations)
        plan = planned(catalog, store, collection, Plan(*arms, method, share, level))
        begun = catalog.experiments.start(collection, plan, actor=actor())
    _show(call, begun)


def show_experiments(
    call: Invocation,
    collection: CollectionArgument,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, of the newest.")] = 5,
) -> None:
    """Show the experiments of a collection, newest first, and what their clicks say."""
    from molt.engine.watch.experiments.planning import describe_experiment

    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.experiments.list(collection, limit=limit)
    told = [describe_experiment(one) for one in found]
    call.show(
        {"experiments": told},
        lambda: Listing(
            _COLUMNS,
            [_row(one) for one in told],
            empty=f"{collection} had no experiment yet; `molt experiment start` begins one.",
        ),
    )


def stop_experiment(
    call: Invocation, collection: CollectionArgument, *, reason: ReasonOption = None
) -> None:
    """End the experiment of a collection that goes on; nothing is moved."""
    with opened_catalog(existing_home(call)) as catalog:
        ended = catalog.experiments.end(collection, actor=actor(), reason=reason or "stopped")
    _show(call, ended)


_COLUMNS = ("number", "state", "a", "b", "searches", "counted", "credit", "e_value", "reason")


def _show(call: Invocation, experiment: "Experiment") -> None:
    from molt.engine.watch.experiments.planning import describe_experiment

    told = describe_experiment(experiment)
    call.show(told, lambda: Listing(_COLUMNS, [_row(told)]))


def _row(told: dict[str, Any]) -> tuple[object, ...]:
    arms = {name: _said(told[name]) for name in ("a", "b")}
    pairs = {name: f"{told[name]['a']:g} : {told[name]['b']:g}" for name in ("credit", "e_value")}
    return tuple((told | arms | pairs)[name] for name in _COLUMNS)


def _said(arm: dict[str, str | None]) -> str:
    """An arm as the options write it: `generation=0123,mode=dense`."""
    usual = {"generation": None, "mode": "hybrid", "rerank": "tuned"}
    said = [f"{name}={value}" for name, value in arm.items() if value != usual[name]]
    return ",".join(said) or "what serves"
