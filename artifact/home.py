"""The home: where everything of one installation lies. Reads and writes nothing in it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The layout below `root`; every path of a home is named here and nowhere else."""

    root: Path

    def make(self) -> None:
        """Make the directory where there is none, for its owner alone: it holds texts and keys."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def settings(self) -> Path:
        """What the operator may set."""
        return self.root / "molt.toml"

    @property
    def catalog(self) -> Path:
        """The catalog, unless it is in another database."""
        return self.root / "catalog.sqlite3"

    @property
    def jobs(self) -> Path:
        """The job queue, unless it is in another database."""
        return self.root / "jobs.sqlite3"

    @property
    def checkpoints(self) -> Path:
        """Encoders, each in a directory named by its id."""
        return self.root / "checkpoints"

    @property
    def generations(self) -> Path:
        """Indexes, each in a directory named by its id."""
        return self.root / "generations"

    @property
    def lexical(self) -> Path:
        """Lexical indexes, each in a directory named by its collection's number."""
        return self.root / "lexical"

    @property
    def reports(self) -> Path:
        """Evaluation reports, each in a directory named by its id."""
        return self.root / "reports"

    @property
    def runs(self) -> Path:
        """What training goes on from after a kill, a directory for each run."""
        return self.root / "runs"

    @property
    def cache(self) -> Path:
        """What may be deleted at any time."""
        return self.root / "cache"

    @property
    def session_secret(self) -> Path:
        """What the sessions of people are signed with."""
        return self.root / "session.secret"

    @property
    def ended_sessions(self) -> Path:
        """Sessions that people have ended before their time."""
        return self.root / "sessions.ended"

    @property
    def indexer_lock(self) -> Path:
        """Held by the process that seals segments."""
        return self.root / "indexer.lock"

    @property
    def worker_lock(self) -> Path:
        """Held by the process that runs jobs."""
        return self.root / "worker.lock"

    @property
    def pruning_lock(self) -> Path:
        """Held by the process that prunes, and shared by those that back up."""
        return self.root / "pruning.lock"

    @property
    def worker_deaths(self) -> Path:
        """What the worker dies of, for as long as it does so again and again."""
        return self.root / "worker.died"

    @property
    def uploads(self) -> Path:
        """Files that people brought to a page, until they say whether to keep what they hold."""
        return self.root / "uploads"

    @property
    def job_folders(self) -> Path:
        """Where each job has a folder, named by its id, for what it needs until it ends."""
        return self.runs / "jobs"

    def job_folder(self, job_id: str) -> Path:
        """Where one job keeps what it needs to go on after a kill."""
        return self.job_folders / job_id
