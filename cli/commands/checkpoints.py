"""`molt checkpoints`: the encoders of a home: list, show, add, upgrade, choose, remove."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from molt.cli.acquisition import acquire, ensure_default, export_again, note_poor_ranking
from molt.cli.edge import CommandError
from molt.cli.home import checkpoint_store, existing_home, meant_checkpoint, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.encoder.checkpoint import Checkpoint, Variant
    from molt.engine.settings import Settings

_COLUMNS = (
    "id", "kind", "default", "base model", "dimension", "max length", "MiB", "created", "name",
)  # fmt: skip
CheckpointArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of the checkpoint, its name, or how the id begins."),
]
PathArgument = Annotated[
    str,
    typer.Argument(
        metavar="PATH",
        help="A checkpoint of Molt, a sentence-transformers or Hugging Face model directory, "
        "or the name of a model on the Hugging Face hub.",
    ),
]
QueryPromptOption = Annotated[
    str | None, typer.Option(help="Put before every query, as E5's 'query: '.")
]
DocumentPromptOption = Annotated[
    str | None, typer.Option(help="Put before every document, as E5's 'passage: '.")
]
PoolingOption = Annotated[
    Literal["mean", "cls"] | None,
    typer.Option(help="How token vectors become one; by default as the model says."),
]
MaxLengthOption = Annotated[
    int | None, typer.Option(min=8, help="Tokens read of a text; by default as the model says.")
]


def list_checkpoints(call: Invocation) -> None:
    """List the checkpoints, oldest first."""
    from molt.engine.models.description import CheckpointDescriptions

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        descriptions = CheckpointDescriptions(catalog, settings)
    found = descriptions.describe_all(checkpoint_store(settings))
    call.show(
        {"checkpoints": found},
        lambda: Listing(
            _COLUMNS,
            [_row(each) for each in found],
            empty="No checkpoints yet; `molt checkpoints add PATH` makes one.",
        ),
    )
    for each in found:
        if "problem" in each:
            call.note(f"checkpoint {each['id']} is damaged: {each['problem']}")


def show(call: Invocation, checkpoint_id: CheckpointArgument) -> None:
    """Show a checkpoint and the measured truth and speed of each runtime variant."""
    settings = existing_home(call)
    found = checkpoint_store(settings).read(meant_checkpoint(settings, checkpoint_id))
    _show(call, settings, found)


def name(
    call: Invocation,
    checkpoint_id: CheckpointArgument,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="What to call it; without, it has none any more."),
    ] = None,
) -> None:
    """Give a checkpoint a name, which stands for its id wherever a checkpoint is asked for.

    Another checkpoint that had the name loses it.
    """
    settings = existing_home(call)
    found = meant_checkpoint(settings, checkpoint_id)
    with opened_catalog(settings) as catalog:
        catalog.names.set(found, name)
    call.show({"id": found, "name": name}, lambda: Listing(("id", "name"), [(found, name)]))


def add(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    path: PathArgument,
    *,
    query_prompt: QueryPromptOption = None,
    document_prompt: DocumentPromptOption = None,
    pooling: PoolingOption = None,
    max_length: MaxLengthOption = None,
) -> None:
    """Add a checkpoint: copy a finished one, or make one from a model.

    Making one needs the train extra; copying does not. The first checkpoint of a home becomes its
    default.
    """
    settings = call.settings()
    settings.layout.make()
    added = acquire(
        call,
        path,
        store=checkpoint_store(settings),
        cache=settings.layout.cache,
        overrides={
            "query_prompt": query_prompt,
            "document_prompt": document_prompt,
            "pooling": pooling,
            "max_length": max_length,
        },
    )
    note_poor_ranking(call, added)
    ensure_default(call, settings)
    _show(call, settings, added)


def upgrade(call: Invocation, checkpoint_id: CheckpointArgument) -> None:
    """Export a checkpoint again, as this version of Molt does, under the same id.

    For one of an earlier version that cannot do all that newer ones can. Needs the train extra.
    """
    settings = existing_home(call)
    upgraded = export_again(
        meant_checkpoint(settings, checkpoint_id), store=checkpoint_store(settings)
    )
    _show(call, settings, upgraded)


def default(
    call: Invocation,
    checkpoint_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The checkpoint that `default` shall stand for."),
    ] = None,
) -> None:
    """Choose the checkpoint that new collections use.

    Without ID, name it; where the home has no checkpoint, make the built-in one first.
    """
    from molt.encoder.kind import Capability
    from molt.index.catalog.aliases import DEFAULT

    settings = call.settings()
    if checkpoint_id is None:
        checkpoint_id = ensure_default(call, settings)
    else:
        checkpoint_id = meant_checkpoint(settings, checkpoint_id)
        checkpoint_store(settings).open(checkpoint_id).require(Capability.EMBED)
        with opened_catalog(settings) as catalog:
            catalog.aliases.set(DEFAULT, checkpoint_id)
    call.show({"default": checkpoint_id}, lambda: Listing(("default",), [(checkpoint_id,)]))


def remove(call: Invocation, checkpoint_id: CheckpointArgument) -> None:
    """Remove a checkpoint that nothing uses."""
    from molt.engine.models.uses import use_of

    settings = existing_home(call)
    store = checkpoint_store(settings)
    checkpoint_id = meant_checkpoint(settings, checkpoint_id)
    with opened_catalog(settings) as catalog:
        use = use_of(checkpoint_id, catalog=catalog, settings=settings)
    if use is not None:
        raise CommandError(f"checkpoint {checkpoint_id} is in use: {use}")
    store.remove(checkpoint_id)
    call.show({"removed": checkpoint_id}, lambda: Listing(("removed",), [(checkpoint_id,)]))


def _show(call: Invocation, settings: "Settings", checkpoint: "Checkpoint") -> None:
    from molt.engine.models.description import CheckpointDescriptions

    with opened_catalog(settings) as catalog:
        described = CheckpointDescriptions(catalog, settings).describe(checkpoint)
    serves = described["serves"]
    call.show(
        described,
        lambda: Listing(
            ("field", "value"),
            [
                ("id", checkpoint.id),
                ("name", described["name"]),
                ("default", "yes" if described["default"] else "no"),
                ("serves", f"{serves['variant'] or 'not known'}: {serves['reason']}"),
                *_details(checkpoint),
            ],
        ),
    )


def _row(described: dict[str, Any]) -> tuple[object, ...]:
    head = (described["id"], described.get("kind"), "yes" if described["default"] else "")
    if "problem" in described:
        return (*head, None, None, None, None, None, described["name"])
    return (
        *head,
        described["base_model"],
        described["dimension"],
        described["max_length"],
        f"{described['bytes'] / 2**20:.1f}",
        f"{described['created_at']:%F %R}",
        described["name"],
    )


def _details(checkpoint: "Checkpoint") -> list[tuple[str, object]]:
    fields: list[tuple[str, object]] = [
        ("kind", checkpoint.kind),
        ("capabilities", ", ".join(checkpoint.capabilities)),
        ("base model", checkpoint.base_model),
        ("parent", checkpoint.parent),
        ("created", f"{checkpoint.created_at:%F %R}"),
        ("dimension", checkpoint.dimension),
        ("max length", checkpoint.max_length),
        ("pooling", checkpoint.pooling),
        ("query prompt", checkpoint.prompts.query or None),
        ("document prompt", checkpoint.prompts.document or None),
    ]
    return fields + [(variant.name, _measured(variant)) for variant in checkpoint.variants]


def _measured(variant: "Variant") -> str:
    from molt.encoder.safety.fidelity import Fidelity

    fidelity = variant.fidelity
    near = (
        f"cosine to fp32 {fidelity.cosine_mean:.4f}"
        if isinstance(fidelity, Fidelity)
        else f"rank correlation with fp32 {fidelity.rank_correlation:.4f}"
    )
    return (
        f"{variant.texts_per_second:.0f} texts/s a core, {near}, nDCG@10 "
        f"{fidelity.ndcg10:.4f} (fp32 {fidelity.ndcg10_reference:.4f}), "
        f"{variant.size / 2**20:.1f} MiB"
        f"{'' if variant.within_budget else ', outside the quality budget: never served'}"
    )
