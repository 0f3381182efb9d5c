"""What every test may ask for: a tiny checkpoint, and the default one, made once per machine.

Every property test is seeded, keeps nothing between runs, and has no deadline to miss.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import structlog
from hypothesis import settings

from tests.paths import ROOT
from tests.postgresql import MISSING, PostgresqlServer, find_binaries

settings.register_profile("molt", deadline=None, derandomize=True, database=None)
settings.load_profile("molt")

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # or torch's threads spin while others have the cores
os.environ["MOLT_WORKER__NICENESS"] = "0"  # or tests that wait for a worker starve beside others

# Whoever starts the tests in the background may have Ctrl-C ignored, which commands would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


pytest_plugins = (
    "tests.empty_databases",
    "tests.promises",
    "tests.checkpoints",
    "tests.training.models",
    "tests.training.learning",
    "tests.training.judging",
)
PACKAGES = ("nncf", "onnx", "onnxruntime", "openvino", "sentence-transformers", "torch")


@pytest.fixture(scope="session")
def default_checkpoint() -> Path:
    """The directory of the default checkpoint. Never write into it: other runs share it."""
    return cached_default()


def cached_default() -> Path:
    """The same, for programs; made where no run has yet."""
    home = cache_home() / cache_key()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(home.glob("checkpoints/*/checkpoint.json")):
            forget_unused()
            command = [sys.executable, "-m", "molt.worker.tasks", "default", "--home", str(home)]
            subprocess.run(command, check=True, stdout=sys.stderr)
    (manifest,) = home.glob("checkpoints/*/checkpoint.json")
    return manifest.parent


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Whoever sets up logging writes to a stream that ends with the test; no later one finds it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        for name in [name for name in sys.modules if name.startswith("molt.")]:
            logger = getattr(sys.modules[name], "log", None)
            getattr(logger, "__dict__", {}).pop("bind", None)  # what was kept at its first use


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a checkpoint of a few kilobytes; for copies, as others share it."""
    from tests.checkpoints import build_checkpoint  # noqa: PLC0415 - a plugin, loaded as such

    return build_checkpoint(tmp_path_factory.mktemp("tiny")).path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A running PostgreSQL server that these tests have to themselves."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(MISSING)
    with TemporaryDirectory(prefix="molt-") as folder:
        server = PostgresqlServer(binaries, Path(folder))
        try:
            server.start()
            server.make_template()
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """A database of its own, with the tables of an empty catalog and an empty queue."""
    with postgresql_server.database() as url:
        yield url


def forget_unused() -> None:
    """Remove the default checkpoints, 0.23 GB each, that no run has asked for in a day."""
    for lock in cache_home().glob("*/lock"):  # whoever asks opens it for writing, which dates it
        if time.time() - lock.stat().st_mtime > 24 * 3600:
            shutil.rmtree(lock.parent, ignore_errors=True)


def cache_home() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "molt-tests"


def cache_key() -> str:
    """Changes with whatever a checkpoint depends on: the libraries and our own code."""
    digest = hashlib.sha256(sys.version.encode())
    for package in PACKAGES:
        digest.update(f"{package}=={version(package)}\n".encode())
    for part in ("training/export", "encoder"):
        for path in sorted((ROOT / part).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
