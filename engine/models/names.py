"""Names: what the aliases of models stand for, those of the settings and those of the catalog.

An alias stands for a collection, a checkpoint or `default`, never for another alias.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from molt.encoder.checkpoint import Checkpoint
from molt.encoder.errors import CheckpointNotFoundError
from molt.encoder.store import CheckpointStore
from molt.engine.errors import AliasError, UnknownModelError
from molt.engine.sections import EMBEDDING, is_reserved
from molt.engine.settings import Settings
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.errors import CollectionNotFoundError, InvalidNameError

_CHECKPOINT_ID = re.compile(r"[0-9a-f]{16}")
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)


@dataclass(frozen=True)
class Alias:
    """Another name for a model; `model` is what it stands for, `source` where that is written."""

    name: str
    model: str
    source: Literal["settings", "catalog", "built-in"]


def every_alias(stored: Mapping[str, str], configured: Mapping[str, str]) -> tuple[Alias, ...]:
    """Every alias by name. What the settings say goes before what the catalog says."""
    found = {EMBEDDING: Alias(EMBEDDING, DEFAULT, "built-in")}
    found |= {name: Alias(name, target, "catalog") for name, target in stored.items()}
    found |= {name: Alias(name, target, "settings") for name, target in configured.items()}
    return tuple(found[name] for name in sorted(found) if name != DEFAULT)


def target_of(name: str, stored: Mapping[str, str], configured: Mapping[str, str]) -> str | None:
    """What one of these aliases stands for, or None where there is none of that name."""
    built_in = DEFAULT if name == EMBEDDING else None
    return configured.get(name) or stored.get(name) or built_in


def set_alias(name: str, target: str, *, catalog: Catalog, settings: Settings) -> Alias:
    """Let an alias stand for a model, in the catalog.

    Raises `AliasError` for a name that cannot be one, `UnknownModelError` where there is no such
    model, `NameTakenError` where a collection has the name, and `InvalidFieldError`.
    """
    _check_name(name, settings)
    _check_target(target, catalog=catalog, store=CheckpointStore(settings.layout.checkpoints))
    catalog.aliases.set(name, target)
    return Alias(name, target, "catalog")


def remove_alias(name: str, *, catalog: Catalog, settings: Settings) -> None:
    """Remove an alias from the catalog. Raises `AliasError` and `AliasNotFoundError`."""
    _check_name(name, settings)
    catalog.aliases.remove(name)


def aliased_checkpoints(catalog: Catalog, settings: Settings) -> dict[str, str]:
    """The checkpoints that aliases stand for, `default` too, each with the name of one of them.

    Whoever removes or copies checkpoints asks here what names need.
    """
    stored = catalog.aliases.all()
    named = {target: name for name, target in settings.models.aliases.items()}
    named |= {target: name for name, target in stored.items() if name != DEFAULT}
    if DEFAULT in stored:
        named[stored[DEFAULT]] = DEFAULT
    collections = {collection.name for collection in catalog.collections.list()}
    return {target: named[target] for target in checkpoints_among(named.keys() - collections)}


def checkpoints_among(targets: Iterable[str]) -> set[str]:
    """Which of the names that aliases stand for are ids of checkpoints."""
    return {target for target in targets if _CHECKPOINT_ID.fullmatch(target)}


def base_of(checkpoint: Checkpoint) -> str | None:
    """The name on the hub of the model that a checkpoint was made of, where it has one."""
    return checkpoint.base_model if _HUB_NAME.fullmatch(checkpoint.base_model) else None


def is_based_on(checkpoint: Checkpoint, name: str) -> bool:
    """Was a checkpoint made of the model of that name, with or without who published it?"""
    base = checkpoint.base_model.lower()
    return name.lower() in {base, base.rpartition("/")[2]} - {""}


def covers_checkpoint(reach: Reach, checkpoint: Checkpoint) -> bool:
    """May a key know of a checkpoint? Not where it learnt from a collection that is not its."""
    learnt_from = checkpoint.data.get("collection")
    return learnt_from is None or reach.covers(str(learnt_from))


def _check_name(name: str, settings: Settings) -> None:
    if name == DEFAULT:
        raise AliasError("what `default` stands for is chosen by `molt checkpoints default ID`")
    if is_reserved(name):
        raise AliasError(f"the alias {name!r} is built in; choose another name")
    if _CHECKPOINT_ID.fullmatch(name):
        raise AliasError(f"{name!r} looks like a checkpoint's id; choose another name")
    if name in settings.models.aliases:
        raise AliasError(
            f"the alias {name[:80]!r} is in the setting models.aliases; change it there"
        )


def _check_target(target: str, *, catalog: Catalog, store: CheckpointStore) -> None:
    if target == DEFAULT:
        return
    with suppress(CollectionNotFoundError, InvalidNameError):
        catalog.collections.get(target)
        return
    try:
        store.read(target)
    except CheckpointNotFoundError:
        raise UnknownModelError(
            f"no model {target[:80]!r}: an alias stands for a collection, a checkpoint's id or "
            "`default`"
        ) from None
