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
    "teacher": "teacher",
}
"""The parameters that say what a command is about."""
_NAMED_IN_A_LINE = 8


def actor() -> str:
    """Who asks on this machine, for the release history and the audit log."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.getuid()}"


@contextmanager
def audited(call: Invocation, action: str, given: Mapping[str, Any]) -> Iterator[list[str]]:
    """Write down that a command was run, where there is a catalog to write to.

    What the block appends to the list is named too, in as many lines as that takes.
    """
    named: list[str] = []
    about = _target(given)
    try:
        yield named
    except (typer.BadParameter, typer.Abort):
        raise  # nothing was tried
    except (Exception, KeyboardInterrupt) as error:
        detail = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        _record(call, action, (about, named), detail=detail)
        raise
    _record(call, action, (about, named))


def audit_done(call: Invocation, action: str, given: Mapping[str, Any]) -> None:
    """Write down something that a command has done on its way."""
    with audited(call, action, given):
        pass


def _target(given: Mapping[str, Any]) -> str:
    found = ((noun, given.get(name)) for name, noun in _TARGETS.items())
    return ", ".join(
        f"{noun} {' '.join(value) if isinstance(value, list) else value}"
        for noun, value in found
        if value is not None
    )


def _attempts(
    action: str, target: tuple[str, list[str]], detail: str | None
) -> "Iterator[AuditedAction]":
    """One for each few of what is named: a line of the log has an end."""
    from molt.index.catalog.access.audit import AuditedAction, Outcome

    about, named = target
    outcome = Outcome.DONE if detail is None else Outcome.FAILED
    for first in range(0, max(len(named), 1), _NAMED_IN_A_LINE):
        some = ([about] if about else []) + named[first : first + _NAMED_IN_A_LINE]
        yield AuditedAction(actor(), action, ", ".join(some), outcome, detail or "")


def _record(
    call: Invocation, action: str, target: tuple[str, list[str]], *, detail: str | None = None
) -> None:
    from molt.artifact import ArtifactError
    from molt.cli.home import opened_catalog
    from molt.engine.settings import SettingsError
    from molt.index.catalog.access.audit import AuditRetention
    from molt.index.errors import CatalogError

    try:
        settings = call.settings()
        missing = settings.catalog_url is None and not settings.layout.catalog.is_file()
        if missing or not settings.layout.root.is_dir():
            return
        kept = AuditRetention(days=settings.audit.days, entries=settings.audit.entries)
        with opened_catalog(settings) as catalog:
            for attempt in _attempts(action, target, detail):
                catalog.audit.record(attempt, retention=kept)
    except (ArtifactError, CatalogError, SettingsError, OSError) as error:
        call.note(f"The audit log could not be written: {error}")
