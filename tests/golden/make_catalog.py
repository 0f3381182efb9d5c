"""Writes `catalog-<revision>.sqlite3` for the newest revision: run once, before it is released.

python tests/golden/make_catalog.py
"""

import secrets
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from molt.index.catalog.access.audit import AuditedAction, AuditRetention, Outcome
from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.expiries import Stated
from molt.index.catalog.judging.accounts import JudgedSplit
from molt.index.catalog.judging.curations import Curation
from molt.index.catalog.judging.experiments.experiment import Arm, Plan
from molt.index.catalog.judging.experiments.impressions import Impression
from molt.index.catalog.judging.kept_searches import KeptSearch, SearchRetention
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.releases import Reason
from molt.index.catalog.schema import REVISIONS
from molt.index.passages.splitting import Splitting
from molt.index.ranking.fusion import Fusion, FusionKind
from molt.index.ranking.ranking import SearchRanking


def fill(catalog: Catalog) -> None:
    collection = catalog.collections.create("default", expiry_field="z")
    documents = [Document("a", "text ä"), Document("b", "text b"), Document("c", "text c")]
    catalog.documents.upsert(collection, documents)
    changed = Document("a", "text ä", title="new", metadata={"z": 1, "a": [2.5]})
    catalog.documents.upsert(collection, [changed])
    catalog.documents.delete(collection, "b")
    expiring = catalog.collections.get("default")
    catalog.expiries.follow(expiring, lambda metadata: Stated(metadata.get("z")), limit=1)
    catalog.judgments.put(
        collection,
        queries=[Query("q", "a query", {"lang": "en"})],
        judgments=[Judgment("q", "a", 0, "test")],
        pairs=[
            Pair("a query", "a text"),
            Pair("a query", "a text", negative="another", split="train"),
            Pair("a query", "another", score=0.1),
        ],
    )
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    catalog.events.append(collection, [Event("click", at, query_id="q", object_id="a", position=1)])
    kept = KeptSearch("q", at, "a query", "hybrid", ("a", "c"), generation="f" * 32)
    catalog.searches.append(collection, [kept], retention=SearchRetention(days=36_500))
    with patch.object(secrets, "token_urlsafe", return_value="golden-key-of-the-first-version"):
        catalog.keys.create("golden", Role.WRITE)
    reach = Reach.of(["default", "shop-*"])
    catalog.keys.create(
        "scoped", Role.READ, expires_at=datetime(2099, 1, 1, tzinfo=UTC), reach=reach
    )
    catalog.keys.note_use(1)
    attempt = AuditedAction("ops", "molt keys create", "name scoped", Outcome.DONE, key_id=1)
    catalog.audit.record(attempt, retention=AuditRetention())
    catalog.aliases.set("default", "0123456789abcdef")
    catalog.collections.point("default", generation="f" * 32, reason=Reason("ops", "golden"))
    tuned = SearchRanking(Fusion(FusionKind.CONVEX, dense=0.75))
    catalog.collections.retune("default", tuned, reason=Reason("ops", "tuned"))
    catalog.collections.name_release("default", 1, "golden")
    catalog.names.set("0123456789abcdef", "golden")
    catalog.curations.put("default", Curation("A  query", ("a",), ("c",)), most=9)
    catalog.curations.boost("default", '[{"field":"z","pivot":1.0,"weight":0.1}]')
    catalog.collections.analyse("default", '{"language":"german"}')
    catalog.collections.split("default", Splitting(tokens=64))
    catalog.synonyms.put("default", '[{"equivalent":["sofa","couch"]}]')
    split = JudgedSplit("d" * 64, frozenset((b"query-01", b"query-02")))
    catalog.accounts.spend(
        collection,
        split,
        candidate="0123456789abcdef",
        baseline="fedcba9876543210",
        renew_share=0.5,
        level_of=lambda *_: 0.05,
    )
    catalog.accounts.tell(collection, 1, 1, gained=True, report="a" * 16)
    plan = Plan(Arm("f" * 32), Arm(mode="dense"), share=0.25, level=0.01)
    catalog.experiments.start("default", plan, actor="ops")
    shown = Impression(1, "golden-query", "golden-draw", at, {"a": -1.0, "c": 0.5})
    catalog.impressions.note(collection, [shown])
    catalog.builds.begin(collection, job="golden", generation="e" * 32)
    catalog.failures.note("default", kind="retrain", job="golden", reason="no judgments")


def main() -> None:
    with TemporaryDirectory() as folder:
        catalog = open_catalog(home_url(Path(folder)))
        fill(catalog)
        catalog.close()
        target = Path(__file__).with_name(f"catalog-{REVISIONS[-1]}.sqlite3")
        target.unlink(missing_ok=True)
        connection = sqlite3.connect(Path(folder) / "catalog.sqlite3")
        connection.execute("VACUUM INTO ?", (str(target),))
        connection.close()


if __name__ == "__main__":
    main()
