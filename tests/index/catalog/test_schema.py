import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import column, insert, table

from molt.index.catalog.access.audit import AuditFilter
from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.expiries import Stated
from molt.index.catalog.judging.curations import Curation
from molt.index.catalog.judging.experiments.experiment import Arm, Plan
from molt.index.catalog.judging.synonyms import KeptRules
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.schema import REVISIONS, VERSION_TABLE
from molt.index.catalog.tables import metadata
from molt.index.errors import CatalogError, NewerCatalogError
from molt.index.passages.splitting import Splitting
from molt.index.ranking.fusion import Fusion, FusionKind
from molt.index.ranking.ranking import SearchRanking
from tests.damage import flaws_of
from tests.kept_events import kept_events
from tests.paths import GOLDEN

pytestmark = [
    pytest.mark.promise("P7", "catalogs of earlier revisions"),
    pytest.mark.usefixtures("migrating"),
]


TUNED = SearchRanking(Fusion(FusionKind.CONVEX, dense=0.75))
CURATED = "0008"
"""The revision that brought curations."""


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(catalog: Catalog) -> None:
    with catalog.database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


def test_the_newest_revision_is_recorded(catalog: Catalog) -> None:
    with catalog.database.reading() as connection:
        found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()
    assert found == REVISIONS[-1]


def test_opening_again_keeps_what_was_written(catalog: Catalog, catalog_url: str) -> None:
    catalog.collections.create("default")
    again = open_catalog(catalog_url)
    assert [one.name for one in again.collections.list()] == ["default"]
    again.close()


def test_a_current_catalog_opens_without_alembic(catalog_home: Path) -> None:
    url = home_url(catalog_home)
    open_catalog(url).close()
    program = (
        "import sys; from molt.index.catalog.catalog import open_catalog; "
        f"open_catalog({url!r}).close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_processes_that_start_together_all_open_a_new_catalog(catalog_home: Path) -> None:
    program = (
        "from molt.index.catalog.catalog import open_catalog; "
        f"open_catalog({home_url(catalog_home)!r})"
    )
    starting = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    errors = [process.communicate()[1] for process in starting]
    assert errors == [""] * 3
    assert [process.returncode for process in starting] == [0] * 3


def test_a_newer_catalog_is_refused_and_left_alone(catalog_home: Path) -> None:
    open_catalog(home_url(catalog_home)).close()
    with sqlite3.connect(catalog_home / "catalog.sqlite3") as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    connection.close()
    with pytest.raises(NewerCatalogError, match=r"9999.*upgrade Molt"):
        open_catalog(home_url(catalog_home))


def test_a_database_of_another_program_is_refused(catalog_home: Path) -> None:
    with sqlite3.connect(catalog_home / "catalog.sqlite3") as connection:
        connection.execute("CREATE TABLE documents (theirs TEXT)")
    connection.close()
    with pytest.raises(CatalogError, match="'documents' that Molt did not make"):
        open_catalog(home_url(catalog_home))


def test_a_migration_that_fails_leaves_an_empty_database(
    catalog_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alembic.command.upgrade", _upgrade_and_fail)
    with pytest.raises(RuntimeError, match="halfway"):
        open_catalog(home_url(catalog_home))
    monkeypatch.undo()
    with sqlite3.connect(catalog_home / "catalog.sqlite3") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    open_catalog(home_url(catalog_home)).close()


def _steps(script: ScriptDirectory, revision: str, current: str, _: object) -> object:
    return script._upgrade_revs(revision, current)


def _upgrade_and_fail(config: Config, revision: str) -> None:
    script = ScriptDirectory.from_config(config)
    steps = partial(_steps, script, revision)
    with EnvironmentContext(config, script, fn=steps):
        script.run_env()
    raise RuntimeError("halfway")


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, catalog_home: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        yield home_url(catalog_home)
        return
    with request.getfixturevalue("postgresql_server").bare_database() as url:
        yield url


def test_judgments_that_an_earlier_version_kept_are_kept_and_still_replaced(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [Judgment(f"q{n // 50:02}", f"d{n % 50:02}", n % 4, "test") for n in range(2500)]
    with monkeypatch.context() as earlier:
        upgrade = alembic.command.upgrade
        earlier.setattr("alembic.command.upgrade", lambda config, _: upgrade(config, "0002"))
        catalog = open_catalog(bare_url)
    counters = dict.fromkeys(("revision", "next_ordinal", "documents", "epoch"), 0)
    row = {"id": 1, "name": "default", "created_at": datetime(2026, 1, 1, tzinfo=UTC)} | counters
    collections = table("collections", *map(column, row))
    former = table("judgments", *map(column, ("collection_id", *Judgment.__annotations__)))
    with catalog.database.writing() as connection:
        connection.execute(insert(collections), row)
        rows = [asdict(judgment) | {"collection_id": 1} for judgment in given]
        connection.execute(insert(former), rows)
    catalog.close()

    catalog = open_catalog(bare_url)
    collection = catalog.collections.get("default")
    assert catalog.judgments.graded(collection) == given
    catalog.judgments.put(collection, judgments=[replace(given[0], grade=9)])
    assert catalog.judgments.graded(collection) == [replace(given[0], grade=9), *given[1:]]
    catalog.collections.delete("default")
    assert catalog.judgments.counts(collection).judgments == 0
    catalog.close()


def test_users_that_an_earlier_version_kept_become_pseudonyms(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        upgrade = alembic.command.upgrade
        earlier.setattr("alembic.command.upgrade", lambda config, _: upgrade(config, "0011"))
        catalog = open_catalog(bare_url)
    made = {"id": 1, "name": "default", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    made |= dict.fromkeys(("revision", "next_ordinal", "documents", "epoch"), 0)
    names = ("collection_id", "at", "action_name", "client_id", "session_id", "rest")
    at = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [(1, at, "click", f"c{n % 2}", None if n else "s", "{}") for n in range(2500)]
    with catalog.database.writing() as connection:
        connection.execute(insert(table("collections", *map(column, made))), made)
        events = table("events", *map(column, names))
        given = [dict(zip(names, row, strict=True)) for row in rows]
        connection.execute(insert(events), given)
    catalog.close()

    with closing(open_catalog(bare_url)) as catalog:
        collection = catalog.collections.get("default")
        kept = kept_events(catalog, collection)
        assert len({one.client_id for one in kept}) == 2
        assert {one.session_id for one in kept[1:]} == {None}
        assert not {"c0", "c1", "s"} & {kept[0].client_id, kept[1].client_id, kept[0].session_id}
        assert flaws_of(catalog) == []
        catalog.events.append(collection, [Event("click", at, client_id="c1")])
        assert catalog.searches.forget(collection, "client_id", "c1").events == 1251


@pytest.fixture(scope="module", params=REVISIONS)
def earlier(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Catalog]]:
    """A revision, and the catalog that it wrote: opened once for all that is asked of it."""
    home = tmp_path_factory.mktemp("earlier")
    shutil.copy(GOLDEN / f"catalog-{request.param}.sqlite3", home / "catalog.sqlite3")
    with closing(open_catalog(home_url(home))) as catalog:
        yield request.param, catalog


def test_a_catalog_that_an_earlier_version_wrote_opens(earlier: tuple[str, Catalog]) -> None:
    revision, catalog = earlier
    collection = catalog.collections.get("default")
    tuned = revision >= "0009"
    assert (collection.revision, collection.documents, collection.epoch) == (5, 2, 1 + tuned)
    assert collection.ranking == (TUNED if tuned else None)
    assert [one.ranking for one in catalog.collections.releases("default")] == [
        *([TUNED] if tuned else []),
        None,
    ]
    assert collection.created_at.tzinfo is UTC
    expiring = "z" if revision >= "0007" else None
    assert (collection.expiry_field, collection.expired) == (expiring, 0)
    assert catalog.expiries.next_due(collection) is None
    assert catalog.expiries.follow(collection, lambda said: Stated(said.get("z"))) == bool(expiring)
    assert catalog.expiries.next_due(collection) == (1 if expiring else None)
    found = catalog.documents.page(collection, limit=9)
    assert [(one.document.id, one.ordinal, one.revision) for one in found] == [
        ("a", 0, 4),
        ("c", 2, 3),
    ]
    assert found[0].document == Document("a", "text ä", title="new", metadata={"z": 1, "a": [2.5]})
    assert catalog.documents.liveness(collection).deleted.tolist() == [1]
    assert catalog.judgments.queries(collection) == [Query("q", "a query", {"lang": "en"})]
    assert catalog.judgments.graded(collection) == [Judgment("q", "a", 0, "test")]
    pairs = catalog.judgments.pairs(collection)
    assert pairs.count(Pair("a query", "a text")) == 1
    assert len(pairs) == (3 if revision >= "0006" else 1)
    assert (Pair("a query", "another", score=0.1) in pairs) == (revision >= "0006")
    catalog.judgments.put(collection, judgments=[Judgment("q", "a", 3)])
    assert catalog.judgments.graded(collection) == [Judgment("q", "a", 3)]
    (event,) = kept_events(catalog, collection)
    assert (event.at, event.object_id) == (datetime(2026, 11, 20, 12, tzinfo=UTC), "a")
    key = catalog.keys.verify("molt_golden-key-of-the-first-version")
    assert key is not None
    assert key.role is Role.WRITE
    assert catalog.aliases.get("default") == "0123456789abcdef"
    assert catalog.collections.releases("default")[0].reason.actor == "ops"
    assert catalog.builds.jobs() == ({} if revision == "0001" else {"e" * 32: "golden"})
    failed = [] if revision == "0001" else ["no judgments"]
    assert [failure.reason for failure in catalog.failures.list()] == failed
    scoped = [one for one in catalog.keys.list() if one.reach.limited]
    assert [(one.reach.patterns, one.expired) for one in scoped] == (
        [(("default", "shop-*"), False)] if revision >= "0005" else []
    )
    assert (key.used_at is not None) == (revision >= "0005")
    assert len(catalog.audit.page(AuditFilter(), limit=9)) == len(scoped)
    assert len(catalog.names.all()) == len(scoped)
    curated = [Curation("a query", ("a",), ("c",))] if revision >= CURATED else []
    assert [*catalog.curations.list(collection)] == curated
    assert [one.curated for one in catalog.curations.defaults().values()] == [1] * len(curated)
    searched = revision >= "0010"
    assert collection.analysis == ('{"language":"german"}' if searched else None)
    assert collection.splitting == (Splitting(tokens=64) if searched else None)
    rules = KeptRules(1, '[{"equivalent":["sofa","couch"]}]') if searched else KeptRules()
    assert catalog.synonyms.get(collection) == rules
    assert flaws_of(catalog) == []


def test_searches_that_an_earlier_version_kept_are_kept(earlier: tuple[str, Catalog]) -> None:
    revision, catalog = earlier
    kept = [one.shown for one in catalog.searches.all(catalog.collections.get("default"))]
    assert kept == ([("a", "c")] if revision >= "0012" else [])


def test_what_an_earlier_version_spent_on_a_test_split_stays_spent(
    earlier: tuple[str, Catalog],
) -> None:
    revision, catalog = earlier
    collection = catalog.collections.get("default")
    spent = catalog.accounts.by_report(collection)
    levels = {name: (one.attempt, one.level, one.gained) for name, one in spent.items()}
    assert levels == ({"a" * 16: (1, 0.05, True)} if revision >= "0011" else {})
    known = [one.known([b"query-01", b"query-09"]) for one in catalog.accounts.list(collection)]
    assert known == [1] * len(levels)


def test_an_experiment_that_an_earlier_version_began_goes_on(earlier: tuple[str, Catalog]) -> None:
    revision, catalog = earlier
    begun = catalog.experiments.going_on()
    assert [one.plan for one in begun] == (
        [Plan(Arm("f" * 32), Arm(mode="dense"), share=0.25, level=0.01)]
        if revision >= "0013"
        else []
    )
    seen: list[Any] = []

    def weigh(kept: Any, clicked: Any) -> Any:
        seen.extend(clicked)
        return kept, None

    for one in begun:
        catalog.impressions.count(
            catalog.collections.get("default"),
            one,
            until=datetime(2026, 11, 20, 12, tzinfo=UTC),
            weigh=weigh,
        )
    assert [(one.credits, [*one.clicked]) for one in seen] == [({"a": -1.0, "c": 0.5}, [])] * len(
        begun
    )
