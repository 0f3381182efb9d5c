"""The bytes of a file, decompressed where its name says so."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from molt.index.files.errors import SourceError
from molt.index.files.progress import Progress


@contextmanager
def open_bytes(path: Path, progress: Progress) -> Iterator[BinaryIO]:
    """Open a file, through gzip where its name ends in `.gz`, and count what is read.

    Raises `SourceError` where it cannot be read, is cut off, or is not gzip as it should be.
    """
    try:
        with progress.opening(path) as raw:
            if path.suffix == ".gz":
                with gzip.open(raw, "rb") as unpacked:
                    yield cast("BinaryIO", unpacked)
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(
            path, f"the compressed file is damaged or cut off; get it again ({error})"
        ) from error
    except OSError as error:
        raise SourceError(path, f"cannot be read: {error.strerror or error}") from error
