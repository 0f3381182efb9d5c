"""User files: documents, queries, judgments and pairs read from the formats that people have.

Streams rows with bounded memory, and reports every bad one with its line. Writes nothing, and
knows nothing of the catalog beyond the records that it keeps.
"""

from molt.index.files.errors import RowError, SourceError
from molt.index.files.part import Kind, Part
from molt.index.files.progress import Progress
from molt.index.files.source import Source, open_source

__all__ = ["Kind", "Part", "Progress", "RowError", "Source", "SourceError", "open_source"]
