"""JSON that is not one object a line: an array of objects, or objects over several lines each.

Read value by value, so that the size of the file does not matter to memory.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, BinaryIO

from molt.index.files.errors import RowError, SourceError
from molt.index.files.objects.bulk import unwrap_documents
from molt.index.files.objects.exact import EXACT, AmbiguousObjectError, explain_shape
from molt.index.files.objects.lines import read_jsonl
from molt.index.files.objects.shapes import WRAPPERS, is_row, rows_by_ids, unwrapped
from molt.index.files.options import ReadOptions
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row
from molt.index.files.text.encoding import UTF8, not_decoded, open_utf8

MAX_VALUE_CHARS = 64 * 1024 * 1024
_CHUNK_BYTES = 2**20
_SLACK = 16  # characters of a literal, number or escape that may be cut off
_BLANKS = re.compile(r"[ \t\r\n]*")
_LENIENT = JSONDecoder(parse_int=len)
_GUESSING = ReadOptions()


def read_objects(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Objects one a line, in an array, or one after the other: told by how the file begins."""
    read = read_values if _spans_lines(path, options) else read_jsonl
    return unwrap_documents(path, read(path, progress, options))


def _spans_lines(path: Path, options: ReadOptions) -> bool:
    with open_utf8(path, ReadProgress(), options) as file:
        head = file.read(_CHUNK_BYTES).decode(UTF8, "surrogateescape").lstrip()
    first, _, rest = head.partition("\n")
    if not first or _parses(first):
        return not rest.strip()
    if first.startswith("["):
        return True
    try:
        value, end = _LENIENT.raw_decode(head)
    except JSONDecodeError as error:
        cut_off = error.msg.startswith("Unterminated") or error.pos >= len(head) - _SLACK
        return cut_off and "\n" in head and len(head) >= _CHUNK_BYTES // 4
    except RecursionError:
        return False
    return isinstance(value, dict) and "\n" in head[:end]


def _parses(line: str) -> bool:
    try:
        _LENIENT.decode(line)
    except (JSONDecodeError, RecursionError):
        return False
    return True


def read_values(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Every object of an array, or of objects that follow each other, with its first line.

    An object that is alone may stand for others (see `shapes`).
    Raises `SourceError` where the file is no JSON from some line on; the rows before it came.
    """
    with open_utf8(path, progress, options) as file:
        text = _Text(path, file)
        in_array = text.skip() == "["
        if in_array:
            text.pass_by("[")
        first = not in_array
        while (mark := text.skip()) and mark != "]":
            line, value = text.value()
            alone = first and not text.skip()
            if alone and (name := _kept_list(value)):
                options.tell(f"{path}: is one document, to which its list {name} belongs")
            if alone and (count := _rows_by_ids(value)):
                options.tell(f"{path}: is one object, read as {count:,} rows by their ids")
            yield from _rows(path, line, value, alone=alone)
            first = False
            _pass_comma(text, in_array=in_array)
        if in_array and mark != "]":
            raise SourceError(path, f"line {text.line}: the array never ends; get the file again")


def _rows(path: Path, line: int, value: Any, *, alone: bool) -> Iterator[Row | RowError]:
    if isinstance(value, ValueError):
        yield RowError(path, line, str(value))
    elif not isinstance(value, dict):
        yield RowError(path, line, explain_shape(value))
    elif alone and (wrapped := unwrapped(value)) is not None:
        for one in wrapped:
            yield from _rows(path, line, one, alone=False)
    else:
        yield Row(line, value)


def _rows_by_ids(value: Any) -> int:
    """How many rows an object stands for whose names are ids."""
    return len(rows_by_ids(value) or ()) if isinstance(value, dict) and not is_row(value) else 0


def _kept_list(value: Any) -> str | None:
    """The name of a list that an object would stand for if it were no document itself."""
    if not isinstance(value, dict) or not is_row(value):
        return None
    lists = (name for name in value if name.lower() in WRAPPERS)
    return next((name for name in lists if value[name] and isinstance(value[name], list)), None)


def _said(error: JSONDecodeError) -> str:
    if error.msg.startswith("Unterminated") or error.pos >= len(error.doc.rstrip()):
        return "the file ends in the midst of a value; get it again"
    return f"it is not JSON: {error.msg}"


def _pass_comma(text: "_Text", *, in_array: bool) -> None:
    mark = text.skip()
    if in_array and mark == ",":
        text.pass_by(",")
    elif (in_array and mark not in ("]", "")) or (not in_array and mark == ","):
        raise text.broken("a comma is missing" if in_array else "a comma stands between objects")


@dataclass
class _Text:
    """What has been read of a file and not been taken yet."""

    path: Path
    file: BinaryIO
    line: int = 1
    _held: str = ""
    _at: int = 0
    _ended: bool = False
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder(UTF8)("surrogateescape")
    )

    def skip(self) -> str:
        """Pass blanks; the next character, an empty string at the end."""
        while True:
            end = _BLANKS.match(self._held, self._at).end()  # type: ignore[union-attr]
            self._take(end)
            if self._at < len(self._held) or not self._more():
                return self._held[self._at : self._at + 1]

    def pass_by(self, mark: str) -> None:
        """Pass a character that `skip` has found."""
        self._take(self._at + len(mark))

    def value(self) -> tuple[int, Any]:
        """The line of the next value, and the value, or the error that it is."""
        line = self.line
        while True:
            try:
                value, end = EXACT.raw_decode(self._held, self._at)
            except JSONDecodeError as error:
                if not self._is_cut_off(error) or not self._more():
                    raise self.broken(_said(error), error.pos) from None
                continue
            except AmbiguousObjectError as error:
                value, end = self._ambiguous(error)
            except RecursionError:
                raise self.broken("it is nested too deeply") from None
            if end == len(self._held) and not self._ended and self._more():
                continue
            problem = not_decoded(self._held[self._at : end], UTF8, where="its object")
            self._take(end)
            return line, ValueError(problem) if problem else value

    def broken(self, reason: str, at: int | None = None) -> SourceError:
        """The error that ends the reading."""
        line = self.line + self._held.count("\n", self._at, at or self._at)
        return SourceError(self.path, f"line {line}: {reason}; nothing after it was read")

    def _ambiguous(self, error: AmbiguousObjectError) -> tuple[Any, int]:
        """Pass by a value that has two meanings."""
        while True:
            try:
                _, end = _LENIENT.raw_decode(self._held, self._at)
            except JSONDecodeError as wrong:
                if not self._is_cut_off(wrong) or not self._more():
                    raise self.broken(_said(wrong), wrong.pos) from None
            else:
                return error, end

    def _is_cut_off(self, error: JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated") or error.pos >= len(self._held) - _SLACK

    def _more(self) -> bool:
        if self._ended:
            return False
        if len(self._held) - self._at > MAX_VALUE_CHARS:
            raise self.broken(f"a value has more than {MAX_VALUE_CHARS} characters; split it")
        chunk = self.file.read(max(_CHUNK_BYTES, len(self._held) - self._at))
        self._ended = not chunk
        text = self._decoder.decode(chunk, self._ended)
        self._held, self._at = self._held[self._at :] + text, 0
        return bool(text) or not self._ended

    def _take(self, end: int) -> None:
        self.line += self._held.count("\n", self._at, end)
        self._at = end
