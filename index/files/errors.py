"""What can be wrong with a file that a user brings."""

from pathlib import Path

from molt.index.errors import IndexingError


class SourceError(IndexingError):
    """A file or folder that cannot be read as any of the known formats."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NothingThereError(SourceError):
    """A folder that holds nothing of what a source is made of."""


class RowError(SourceError):
    """One bad row: `line` is where it starts, counted from 1 (in Parquet, the row).

    `kind` is the reason without what is of this row alone.
    """

    def __init__(self, path: Path, line: int, reason: str, *, kind: str | None = None) -> None:
        super().__init__(path, f"line {line}: {reason}")
        self.line = line
        self.reason = reason
        self.kind = reason if kind is None else kind
