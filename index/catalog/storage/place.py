"""Places: whether the file of a database is still the one that was opened. Knows no tables."""

from contextlib import suppress
from pathlib import Path

from molt.index.errors import CatalogError


class DatabasePlace:
    """Where an SQLite database lies, and which file that is.

    Where there was none when it was opened, it is the one that was there after the first write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        with suppress(OSError):  # SQLite says what is wrong with it
            self._file = self._look()

    def require(self) -> None:
        """Raise `CatalogError` where another file lies there now, or none."""
        file = self._look()
        if file is None:
            raise self._changed("removed")
        self._file = self._file or file
        if file != self._file:
            raise self._changed("replaced")

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _changed(self, how: str) -> CatalogError:
        return CatalogError(
            f"{self._path} was {how} while it was open, and nothing is written any more; put it "
            "back, or start this program again"
        )
