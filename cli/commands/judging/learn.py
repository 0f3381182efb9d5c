"""`molt learn`: judgments from what users did with hits. `molt events`: what is kept of that."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.judging.kept_searches import Who
    from molt.training.clicks.learning import LearntFromUse

_REASONS = {
    "unseen": "left out: no event tells of them",
    "clicks_all": "left out: users who click whatever is shown",
    "too_fast": "left out: users who search faster than a person",
    "too_many": "left out: users who search far more than all others",
    "repeated": "left out: the same user asked the same again",
}


def learn(
    call: Invocation,
    collection: CollectionArgument,
    *,
    write: Annotated[
        bool,
        typer.Option("--write", help="Keep the judgments, in place of those learnt before."),
    ] = False,
    min_searches: Annotated[
        int, typer.Option(min=1, metavar="N", help="Judge only queries searched so often.")
    ] = 3,
) -> None:
    """Learn from clicks which documents answer which queries, and show what that rests on."""
    from molt.training.clicks.learning import LearningPlan, keep_learnt, learn_from_use

    settings = existing_home(call)
    replaced = None
    with opened_catalog(settings) as catalog:
        found = catalog.collections.get(collection)
        plan = LearningPlan(settings.learn.actions, min_searches)
        learnt = learn_from_use(catalog, found, plan)
        if write:
            replaced = keep_learnt(catalog, found, learnt)
    told = learnt.describe() | {"written": write, "replaced": replaced}
    call.show({"collection": collection} | told, lambda: _listing(learnt, told))
    for remark in learnt.remarks:
        call.note(f"{remark[0].upper()}{remark[1:]}.")
    call.note(_ending(collection, len(learnt.judgments), replaced))


def _listing(learnt: "LearntFromUse", told: dict[str, Any]) -> Listing:
    rows: list[tuple[object, object]] = [("searches", learnt.searches), ("clicks", learnt.clicks)]
    rows += [(_REASONS[name], count) for name, count in told["left_out"].items() if count]
    rows += [(f"perplexity, {one.model}", f"{one.mean:.4f}") for one in learnt.tried]
    shares = " ".join(f"{share:.2f}" for share in learnt.propensities)
    rows += [("model", told["model"]), ("examined, by rank", shares)]
    rows += [("queries judged", told["queries"])]
    rows += [(f"judgments of grade {grade}", n) for grade, n in told["judgments"].items()]
    rows += [("left to what people judged", learnt.judged_by_people)]
    return Listing(("field", "value"), rows)


def _ending(collection: str, judgments: int, replaced: int | None) -> str:
    if replaced is None:
        return f"Nothing was kept; `molt learn {collection} --write` keeps {judgments} judgments."
    return (
        f"{judgments} judgments are kept in place of {replaced}; `molt judgments delete "
        f"{collection} --source clicks` deletes them."
    )


def count_events(call: Invocation, collection: CollectionArgument) -> None:
    """Count the events that are kept, and the searches that can be learnt from."""
    with opened_catalog(existing_home(call)) as catalog:
        counts = catalog.searches.counts(catalog.collections.get(collection))
    since = None if counts.since is None else f"{counts.since:%F %R}"
    rows = [("events", counts.events), ("searches", counts.searches), ("searches since", since)]
    call.show(vars(counts), lambda: Listing(("what", "count"), rows))


def delete_events(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    client: Annotated[
        str | None, typer.Option(metavar="ID", help="Those of this `client_id`.")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="ID", help="Those of this `user_id`.")] = None,
    session: Annotated[
        str | None, typer.Option(metavar="ID", help="Those of this `session_id`.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete the events of one user, and the searches that they are of."""
    given: dict[Who, str | None] = {"client_id": client, "user_id": user, "session_id": session}
    named = [(who, name) for who, name in given.items() if name is not None]
    if len(named) != 1:
        raise CommandError("name whose events to delete by one of --client, --user and --session")
    ((who, name),) = named
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        if not yes:
            typer.confirm(f"Delete what this user did in {collection}?", abort=True, err=True)
        gone = catalog.searches.forget(found, who, name)
    call.show(
        {"events": gone.events, "searches": gone.searches},
        lambda: Listing(("events", "searches"), [(gone.events, gone.searches)]),
    )
