"""Auditing a command that administers: a line in the home's audit log, however it ends."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from molt.cli.invocation import Invocation

if TYPE_CHECKING:
    from molt.index.catalog.access.audit import AuditedAction

_TARGETS = {
    "collection": "collection",
    "checkpoint": "checkpoint",
    "checkpoint_id": "checkpoint",
    "generation": "generation",
    "job_id": "job",
    "name": "name",
    "path": "path",
    "role": "role",
}
"""The parameters that say what a command is about."""


def actor() -> str:
    """Who asks on this machine, for the release history and the audit log."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.getuid()}"


@contextmanager
def audited(call: Invocation, action: str, given: Mapping[str, Any]) -> Iterator[None]:
    """Write down that a command was run, where there is a catalog to write to."""
    from molt.index.catalog.access.audit import AuditedAction, Outcome

    target = ", ".join(
        f"{noun} {given[name]}" for name, noun in _TARGETS.items() if given.get(name) is not None
    )
    try:
        yield
    except (typer.BadParameter, typer.Abort):
        raise  # nothing was tried
    except (Exception, KeyboardInterrupt) as error:
        detail = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        _record(call, AuditedAction(actor(), action, target, Outcome.FAILED, detail))
        raise
    _record(call, AuditedAction(actor(), action, target, Outcome.DONE))


def _record(call: Invocation, attempt: "AuditedAction") -> None:
    from molt.artifact import ArtifactError
    from molt.cli.home import opened_catalog
    from molt.engine.settings import SettingsError
    from molt.index.catalog.access.audit import AuditRetention
    from molt.index.errors import CatalogError

    try:
        settings = call.settings()
        if settings.catalog_url is None and not settings.layout.catalog.is_file():
            return
        kept = AuditRetention(days=settings.audit.days, entries=settings.audit.entries)
        with opened_catalog(settings) as catalog:
            catalog.audit.record(attempt, retention=kept)
    except (ArtifactError, CatalogError, SettingsError, OSError) as error:
        call.note(f"The audit log could not be written: {error}")
