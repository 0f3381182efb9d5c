"""What can be wrong with a file that a user brings."""

from pathlib import Path

from molt.index.errors import IndexingError

_RECORDS = "convert its records to .jsonl, an object a line"
_HINTS = {
    ".xml": f"of XML only TREC topics are read; {_RECORDS}",
    ".rss": f"XML is not read; {_RECORDS}",
    ".atom": f"XML is not read; {_RECORDS}",
    ".html": f"pages are not read; {_RECORDS}",
    ".htm": f"pages are not read; {_RECORDS}",
    ".yaml": f"YAML is not read; {_RECORDS}",
    ".yml": f"YAML is not read; {_RECORDS}",
    ".sql": "export its tables as .csv or .jsonl",
    ".md": f"texts without records are not read; {_RECORDS}",
    ".pkl": "pickles are never read, since they run code; save it as .parquet or .jsonl",
    ".pickle": "pickles are never read, since they run code; save it as .parquet or .jsonl",
    ".npy": "vectors are not read; bring the texts",
    ".orc": "save it as .parquet",
    ".avro": "save it as .parquet or .jsonl",
    ".zip": "unpack it and import what it holds",
    ".tar": "unpack it and import what it holds",
    ".tgz": "unpack it and import what it holds",
    ".7z": "unpack it and import what it holds",
    ".xls": "save it as .xlsx or .csv",
    ".ods": "save it as .xlsx or .csv",
    ".docx": "export its text as .jsonl or .csv",
    ".pdf": "export its text as .jsonl or .csv",
    ".sqlite": "export its table as .csv or .jsonl",
    ".db": "export its table as .csv or .jsonl",
}


class SourceError(IndexingError):
    """A file or folder that cannot be read as any of the known formats."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NothingThereError(SourceError):
    """A folder that holds nothing of what a source is made of."""


class UnknownFormatError(SourceError):
    """A file of no format that is read; `end` is how its name ends."""

    def __init__(self, path: Path, end: str) -> None:
        hint = _HINTS.get(end)
        known = (
            "; bring .jsonl, .ndjson, .json, .csv or .tsv (each also with .gz, .zst, .bz2 or .xz), "
            ".parquet, .arrow, .feather or .xlsx, a folder in the BEIR layout, TREC qrels or "
            "topics, or say what it is with --format"
        )
        super().__init__(path, f"is of no known format{f': {hint}' if hint else known}")


class RowError(SourceError):
    """One bad row: `line` is where it starts, counted from 1 (in Parquet, the row).

    `kind` is the reason without what is of this row alone.
    """

    def __init__(self, path: Path, line: int, reason: str, *, kind: str | None = None) -> None:
        super().__init__(path, f"line {line}: {reason}")
        self.line = line
        self.reason = reason
        self.kind = reason if kind is None else kind
