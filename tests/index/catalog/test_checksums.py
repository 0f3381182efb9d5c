"""A row that is not as it was written is named, whatever wrote it and in whichever table."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from molt.index.catalog.access.audit import AuditedAction, AuditRetention, Outcome
from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.judging.accounts import JudgedSplit
from molt.index.catalog.judging.curations import Curation
from molt.index.catalog.judging.experiments.experiment import Arm, Plan
from molt.index.catalog.judging.experiments.impressions import Impression
from molt.index.catalog.judging.kept_searches import KeptSearch, SearchRetention
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.releases import Reason
from molt.index.catalog.storage.checksums import changed_rows
from molt.index.catalog.tables import UNPROVEN, metadata
from tests.damage import spoil


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with rows in every table, written, changed and deleted as usual."""
    catalog = open_catalog(home_url(tmp_path))
    for name in ("shop", "gone"):
        collection = catalog.collections.create(name)
        documents = [Document(f"d{n}", f"text {n}", metadata={"n": n}) for n in range(30)]
        catalog.documents.upsert(collection, documents)
        catalog.documents.upsert(collection, [Document("d3", "another text", title="ä")])
        catalog.documents.delete(collection, "d4")
        for grade in (1, 2):
            catalog.judgments.put(
                collection,
                queries=[Query("q", "a query")],
                judgments=[Judgment("q", "d1", grade, "test")],
                pairs=[Pair("a query", "a text")],
            )
        at = datetime(2026, 11, 20, tzinfo=UTC)
        catalog.events.append(collection, [Event("click", at, query_id="q", object_id="d1")])
        kept = KeptSearch("q", at, "a query", "hybrid", ("d1",))
        catalog.searches.append(collection, [kept], retention=SearchRetention(days=36_500))
        catalog.collections.point(name, generation="f" * 32, reason=Reason("ops", "why"))
        catalog.builds.begin(collection, job=f"job of {name}", generation=name)
        catalog.failures.note(name, kind="retrain", job="j", reason="too few")
        split = JudgedSplit("0" * 16, frozenset([b"12345678"]))
        for candidate in ("a" * 16, "b" * 16):
            account, spent = catalog.accounts.spend(
                collection,
                split,
                candidate=candidate,
                baseline="c" * 16,
                renew_share=0.5,
                level_of=lambda attempt, _: 0.05 / attempt,
            )
        catalog.accounts.tell(
            collection, account.number, spent.attempt, gained=False, report="d" * 16
        )
        for query in ("boots", "boots", "socks"):
            catalog.curations.put(name, Curation(query, ("d1",)), most=9)
        catalog.curations.remove(name, "socks")
        catalog.collections.analyse(name, '{"language":"german"}')
        for rules in ("[]", '[{"equivalent":["a","b"]}]'):
            catalog.synonyms.put(name, rules)
        catalog.experiments.start(name, Plan(Arm(mode="dense"), Arm()), actor="ops")
        catalog.impressions.note(collection, [Impression(1, f"{name}-q", "d", at, {"d1": 1.0})])
    catalog.keys.create("mine", Role.WRITE)
    catalog.keys.note_use(1)
    catalog.audit.record(
        AuditedAction("ops", "molt prune", "", Outcome.DONE), retention=AuditRetention()
    )
    catalog.names.set("0123456789abcdef", "winter")
    catalog.names.set("fedcba9876543210", "winter")
    catalog.aliases.set("default", "0123456789abcdef")
    catalog.aliases.set("default", "fedcba9876543210")
    catalog.collections.delete("gone")
    yield catalog
    catalog.close()


def test_what_was_written_as_usual_is_as_it_was_written(catalog: Catalog) -> None:
    assert changed_rows(catalog.database) == []


def test_every_row_of_every_table_has_a_checksum_and_no_other_has(catalog: Catalog) -> None:
    with catalog.database.reading() as connection:
        for table in metadata.sorted_tables:
            if table not in UNPROVEN:
                counted = connection.exec_driver_sql(f"SELECT count(*) FROM {table.name}")
                kept = connection.exec_driver_sql(
                    f"SELECT count(*) FROM checksums WHERE kind = '{table.name}'"
                )
                assert kept.scalar_one() == counted.scalar_one() > 0, table.name


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE documents SET text = 'tezt 7' WHERE doc_id = 'd7'", "documents: 'd7'"),
        ("UPDATE documents SET metadata = '{\"n\":9}' WHERE doc_id = 'd7'", "documents: 'd7'"),
        ("UPDATE documents SET doc_id = 'd99' WHERE doc_id = 'd7'", "documents: 'd99'"),
        ("UPDATE documents SET text = CAST(x'ff' AS TEXT) WHERE doc_id = 'd7'", "documents: 'd7'"),
        ("UPDATE judgments SET grade = 3", "judgments: "),
        ("UPDATE queries SET text = 'a quary'", "queries: 'q'"),
        ("UPDATE pairs SET positive = NULL", "pairs: "),
        ("UPDATE keys SET role = 'admin'", "keys: 'mine'"),
        ("UPDATE aliases SET checkpoint = 'fedcba9876543211'", "aliases: 'default'"),
        ("UPDATE releases SET actor = 'opz'", "releases: "),
        ("UPDATE collections SET documents = 28", "collections: 'shop'"),
        ("UPDATE collections SET expiry_field = 'x'", "collections: 'shop'"),
        ("UPDATE tombstones SET ordinal = 5", "tombstones: "),
        ("UPDATE events SET user_id = ''", "events: "),
        ("DELETE FROM judgments", "judgments: 1 are gone"),
        ("UPDATE checksums SET digest = x'00' WHERE kind = 'keys'", "keys: 'mine'"),
    ],
)
def test_a_row_that_was_changed_behind_its_back_is_named_and_not_quoted(
    catalog: Catalog, statement: str, named: str
) -> None:
    spoil(catalog, statement)
    (said,) = changed_rows(catalog.database)
    assert said.startswith(named)
    assert "tezt" not in said
    assert "quary" not in said


def test_many_such_rows_are_counted(catalog: Catalog) -> None:
    spoil(catalog, "UPDATE documents SET title = 'x'")
    said = changed_rows(catalog.database)
    assert len(said) == 21
    assert "9 others" in said[-1]


def test_a_row_that_is_written_again_is_sound_again(catalog: Catalog) -> None:
    spoil(catalog, "UPDATE documents SET text = 'tezt 7' WHERE doc_id = 'd7'")
    shop = catalog.collections.get("shop")
    catalog.documents.upsert(shop, [Document("d7", "text 7", metadata={"n": 7})])
    assert changed_rows(catalog.database) == []


def test_a_damaged_row_can_be_deleted(catalog: Catalog) -> None:
    spoil(catalog, "UPDATE documents SET text = 'tezt 7' WHERE doc_id = 'd7'")
    catalog.documents.delete(catalog.collections.get("shop"), "d7")
    assert changed_rows(catalog.database) == []
