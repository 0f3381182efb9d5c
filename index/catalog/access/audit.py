"""The audit log: who administered what, when, and how it ended; refused attempts too.

Bounded: what is older than it is to be kept, and the oldest of too many, is dropped on the way.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select

from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import audit

_MOST_CHARS = 300
_TRIM_EVERY = 50


class Outcome(StrEnum):
    """How an attempt ended: it was done, it failed, or whoever made it may not do that."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True)
class AuditedAction:
    """Something that somebody tried to do, by a route or a command.

    `key_id` is None for whoever needed no key: at the machine itself.
    """

    actor: str
    action: str
    target: str
    outcome: Outcome
    detail: str = ""
    key_id: int | None = None


@dataclass(frozen=True)
class AuditEntry:
    """An attempt as it was written down; later entries have higher numbers."""

    id: int
    at: datetime
    attempt: AuditedAction


@dataclass(frozen=True)
class AuditRetention:
    """How long entries are kept, and how many at most."""

    days: int = 365
    entries: int = 100_000


@dataclass(frozen=True)
class AuditFilter:
    """Which entries to read; None does not matter. `since` is included, `until` is not."""

    actor: str | None = None
    action: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditLog:
    """Every entry that is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, attempt: AuditedAction, *, retention: AuditRetention) -> None:
        """Write an attempt down, and now and then drop what is not to be kept any more."""
        row = {
            "at": datetime.now(UTC),
            "actor": _line(attempt.actor),
            "key_id": attempt.key_id,
            "action": _line(attempt.action),
            "target": _line(attempt.target),
            "outcome": attempt.outcome.value,
            "detail": _line(attempt.detail),
        }
        with self._database.writing() as connection:
            made = connection.execute(insert(audit).returning(audit.c.id), row).scalar_one()
            if made % _TRIM_EVERY == 0:
                _trim(connection, retention)

    def page(
        self, wanted: AuditFilter, *, limit: int, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """The newest entries, newest first; only those with numbers below `before`, if given."""
        query = _matching(wanted).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._database.reading() as connection:
            return tuple(
                AuditEntry(
                    row.id,
                    row.at,
                    AuditedAction(
                        row.actor,
                        row.action,
                        row.target,
                        Outcome(row.outcome),
                        row.detail,
                        row.key_id,
                    ),
                )
                for row in connection.execute(query)
            )


def describe_entry(entry: AuditEntry) -> dict[str, Any]:
    """An entry as it is told by the command line and over HTTP."""
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.attempt.actor,
        "key": entry.attempt.key_id,
        "action": entry.attempt.action,
        "target": entry.attempt.target,
        "outcome": entry.attempt.outcome.value,
        "detail": entry.attempt.detail,
    }


def _matching(wanted: AuditFilter) -> Select[Any]:
    query = select(audit)
    for column, value in (
        (audit.c.actor, wanted.actor),
        (audit.c.action, wanted.action),
        (audit.c.outcome, wanted.outcome),
    ):
        if value is not None:
            query = query.where(column == str(value))
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    return query


def _trim(connection: Connection, retention: AuditRetention) -> None:
    oldest = datetime.now(UTC) - timedelta(days=retention.days)
    newest = connection.execute(select(func.max(audit.c.id))).scalar_one()
    gone = (audit.c.at < oldest) | (audit.c.id <= newest - retention.entries)
    connection.execute(delete(audit).where(gone))


def _line(text: str) -> str:
    """One line of what came from outside: no control characters, no lone surrogates, not long."""
    cut = text[:_MOST_CHARS].encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else " " for char in cut)
