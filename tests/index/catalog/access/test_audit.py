from datetime import UTC, datetime, timedelta

import pytest

from molt.index.catalog.access.audit import AuditedAction, AuditFilter, AuditRetention, Outcome
from molt.index.catalog.catalog import Catalog
from tests.damage import flaws_of

KEPT = AuditRetention()


def attempt(actor: str = "ops", outcome: Outcome = Outcome.DONE, **more: str) -> AuditedAction:
    facts = {"action": "POST /admin/rollback", "target": "collection shop"} | more
    return AuditedAction(actor, outcome=outcome, **facts)


def actors(catalog: Catalog, wanted: AuditFilter, *, before: int | None = None) -> list[str]:
    return [one.attempt.actor for one in catalog.audit.page(wanted, limit=2, before=before)]


def test_entries_come_newest_first_and_page_by_page(catalog: Catalog) -> None:
    for name in ("ann", "ben", "cho"):
        catalog.audit.record(attempt(name), retention=KEPT)
    first = catalog.audit.page(AuditFilter(), limit=2)
    assert [one.attempt.actor for one in first] == ["cho", "ben"]
    assert actors(catalog, AuditFilter(), before=first[-1].id) == ["ann"]
    assert first[0].attempt == attempt("cho")
    assert datetime.now(UTC) - first[0].at < timedelta(minutes=1)
    assert flaws_of(catalog) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(actor="ann"), ["ann"]),
        (AuditFilter(action="molt keys create"), ["ben"]),
        (AuditFilter(outcome=Outcome.REFUSED), ["ben"]),
        (AuditFilter(actor="ann", outcome=Outcome.REFUSED), []),
        (AuditFilter(since=datetime(2000, 1, 1, tzinfo=UTC)), ["ben", "ann"]),
        (AuditFilter(until=datetime(2000, 1, 1, tzinfo=UTC)), []),
    ],
)
def test_entries_are_filtered(catalog: Catalog, wanted: AuditFilter, found: list[str]) -> None:
    catalog.audit.record(attempt("ann"), retention=KEPT)
    catalog.audit.record(attempt("ben", Outcome.REFUSED, action="molt keys create"), retention=KEPT)
    assert actors(catalog, wanted) == found


def test_what_is_too_old_or_too_much_is_dropped_on_the_way(catalog: Catalog) -> None:
    few = AuditRetention(days=1, entries=30)
    for number in range(100):
        catalog.audit.record(attempt(str(number)), retention=few)
    kept = catalog.audit.page(AuditFilter(), limit=1000)
    assert [one.attempt.actor for one in kept] == [str(number) for number in range(99, 69, -1)]
    with catalog.database.writing() as connection:
        connection.exec_driver_sql("UPDATE audit SET at = '2000-01-01 00:00:00'")
    for number in range(50):
        catalog.audit.record(attempt(f"new {number}"), retention=few)
    assert len(catalog.audit.page(AuditFilter(until=kept[0].at), limit=1000)) == 0


def test_an_entry_is_one_line_whatever_was_sent(catalog: Catalog) -> None:
    detail = "a\0b\nc\x1b[2J\ud800" + "x" * 1000
    catalog.audit.record(attempt("ann", detail=detail), retention=KEPT)
    (entry,) = catalog.audit.page(AuditFilter(), limit=1)
    assert entry.attempt.detail.startswith("a b c [2J?xxx")
    assert len(entry.attempt.detail) == 300
