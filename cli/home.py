"""The home as one command finds it: its settings, its catalog, and whether it is there at all."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from molt.cli.edge import CommandError
from molt.cli.invocation import Invocation

if TYPE_CHECKING:
    from molt.encoder.store import CheckpointStore
    from molt.engine.engine import Engine
    from molt.engine.settings import Settings
    from molt.index.catalog.catalog import Catalog


def existing_home(call: Invocation) -> "Settings":
    """The settings of a home that is there. Raises `CommandError` where it is not.

    Raises `CatalogError` where only its catalog is gone, which no new one would make good.
    """
    from molt.index.generations.lost import refuse_lost_catalog

    settings = call.settings()
    if settings.catalog_url is None and not settings.layout.catalog.is_file():
        refuse_lost_catalog(settings.layout, settings.catalog)
        raise CommandError(
            f"{settings.home} is no home, it holds no catalog; make one with `molt import` or "
            "`molt serve`, or name another with --home or MOLT_HOME"
        )
    return settings


@contextmanager
def opened_catalog(settings: "Settings") -> Iterator["Catalog"]:
    """The catalog of a home, made where it is missing and closed at the end of the block."""
    from molt.index.generations.lost import open_home_catalog

    settings.layout.make()
    with closing(open_home_catalog(settings.layout, settings.catalog)) as catalog:
        catalog.collections.reserve(settings.models.aliases)
        yield catalog


@contextmanager
def opened_engine(settings: "Settings") -> Iterator["Engine"]:
    """The engine over a home, with no thread of it started, closed at the end of the block."""
    from molt.engine.engine import Engine
    from molt.engine.sections import LogSettings
    from molt.engine.telemetry.logs import configure_logs

    # Polars takes SIGINT over when it is imported, and Ctrl-C then waits for locks to be released.
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
    configure_logs(LogSettings(level="warning", format="console"))
    with closing(Engine.open(settings)) as engine:
        yield engine


def meant_checkpoint(settings: "Settings", given: str) -> str:
    """The id of the checkpoint that is meant: by its id, its name, or how its id alone begins.

    `default` is the one that new collections use. Raises `AmbiguousIdError`, and
    `CheckpointNotFoundError` where there is none.
    """
    from molt.index.catalog.aliases import DEFAULT

    store = checkpoint_store(settings)
    with opened_catalog(settings) as catalog:
        if given == DEFAULT:
            found = catalog.aliases.get(DEFAULT)
        else:
            found = catalog.names.find(given, store.ids())
    return store.path(given if found is None else found).name


def meant_collection(call: Invocation, name: str) -> str:
    """The collection that a name means: itself, or what it is an alias of in the home."""
    settings = call.settings()
    if settings.catalog_url is None and not settings.layout.catalog.is_file():
        return name
    with opened_catalog(settings) as catalog:
        return catalog.aliases.collection_of(name, configured=settings.models.aliases)


def checkpoint_store(settings: "Settings") -> "CheckpointStore":
    """The checkpoints of a home."""
    from molt.encoder.store import CheckpointStore

    return CheckpointStore(settings.layout.checkpoints)
