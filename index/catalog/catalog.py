"""The catalog: the truth about collections, documents, relevance, keys and pointers.

Assembles its parts over one database and nothing else; each part has a module.
"""

from pathlib import Path

from sqlalchemy import URL, make_url

from molt.artifact import Home
from molt.index.catalog.access.audit import AuditLog
from molt.index.catalog.access.keys import Keys
from molt.index.catalog.aliases import Aliases, CheckpointNames
from molt.index.catalog.builds import Builds
from molt.index.catalog.collections import Collections
from molt.index.catalog.documents import Documents
from molt.index.catalog.events import Events
from molt.index.catalog.expiries import Expiries
from molt.index.catalog.failures import JobFailures
from molt.index.catalog.judging.accounts import SplitAccounts
from molt.index.catalog.judging.curations import Curations
from molt.index.catalog.judging.experiments.experiments import Experiments
from molt.index.catalog.judging.experiments.impressions import Impressions
from molt.index.catalog.judging.kept_searches import KeptSearches
from molt.index.catalog.judging.learnt import LearntJudgments
from molt.index.catalog.judging.pages import RelevancePages
from molt.index.catalog.judging.pairs import PairPages
from molt.index.catalog.judging.relevance import Relevance
from molt.index.catalog.judging.synonyms import SynonymRules
from molt.index.catalog.rows.titles import Titles
from molt.index.catalog.schema import upgrade_catalog
from molt.index.catalog.storage.database import Database, create_database


class Catalog:
    """One open catalog. Safe to use from many threads; several processes may share a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.collections = Collections(database)
        self.documents = Documents(database)
        self.expiries = Expiries(database)
        self.judgments = Relevance(database)
        self.judged = RelevancePages(database)
        self.pairs = PairPages(database)
        self.events = Events(database)
        self.searches = KeptSearches(database)
        self.learnt = LearntJudgments(database)
        self.keys = Keys(database)
        self.audit = AuditLog(database)
        self.aliases = Aliases(database)
        self.names = CheckpointNames(database)
        self.titles = Titles(database)
        self.accounts = SplitAccounts(database)
        self.curations = Curations(database)
        self.experiments = Experiments(database)
        self.impressions = Impressions(database)
        self.synonyms = SynonymRules(database)
        self.builds = Builds(database)
        self.failures = JobFailures(database)

    def close(self) -> None:
        """Close every connection; the catalog cannot be used afterwards."""
        self.database.close()


def open_catalog(url: str) -> Catalog:
    """Open the catalog at an SQLAlchemy URL, creating or upgrading its tables where needed.

    Raises `CatalogError` where nothing can be opened there, and `NewerCatalogError` where a newer
    version of Molt wrote it.
    """
    database = create_database(url)
    try:
        upgrade_catalog(database)
    except BaseException:
        database.close()
        raise
    return Catalog(database)


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite catalog in a file of any name."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def sqlite_path(url: str) -> Path | None:
    """The file behind a URL, or None where that is not of SQLite."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def home_url(home: Path) -> str:
    """The URL of the SQLite catalog that lives in a home."""
    return sqlite_url(Home(home).catalog)
