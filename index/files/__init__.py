"""User files: documents, queries, judgments and pairs read from the formats that people have.

Streams rows with bounded memory, and reports every bad one with its line. Writes only exports, and
knows nothing of the catalog beyond the records that it keeps.
"""

from molt.index.files.errors import RowError, SourceError
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.progress import ReadProgress
from molt.index.files.source import Source, open_source

__all__ = [
    "ReadProgress",
    "RecordKind",
    "RowError",
    "Source",
    "SourceError",
    "SourcePart",
    "open_source",
]
