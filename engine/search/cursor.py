"""A cursor: where the page after an answer begins, as a string that nobody need look into.

It holds where the last hit stands in its order, and not how many hits there were: whatever is
written between two pages, a document that has not changed is on one of them. It belongs to one
search, told by a digest, and to the checkpoint whose scores it compares with.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import orjson

from molt.engine.errors import CursorError, StaleCursorError
from molt.index.segments.matches.order import Position
from molt.index.segments.matches.sort_column import SORT_KINDS, SortKey
from molt.index.segments.scalar import INT64, ScalarKind

if TYPE_CHECKING:
    from molt.engine.search.query import SearchQuery

MAX_CURSOR_CHARS = 16_384
MAX_WITHOUT = 1_000
"""Documents that a cursor can name."""

_FORMAT = 1
_PAGING = frozenset(
    {"k", "offset", "cursor", "max_chars", "facets", "vector", "words", "synonyms", "tuned"}
)
"""What may differ from page to page of one search."""
_FOREIGN = "is none of an answer's; send one as it came, or leave it out to begin anew"
_OTHER = "is of another search; send it with the search that gave it, or leave it out to begin anew"
_CHECKED_CHARS = 16
_MAX_RANK = 10**9


@dataclass(frozen=True)
class Cursor:
    """What follows `rank` hits of a search, the last of which stands at `after`.

    `search` is the digest of what was asked, `checkpoint` what answered. Where the first page was
    found without comparing every document, `without` are the ordinals of what it showed or passed:
    what it missed is still to come, so that the second page has no position to begin after.
    """

    search: str
    checkpoint: str
    rank: int
    after: Position | None
    without: frozenset[int] = frozenset()

    @property
    def counts(self) -> bool:
        """Is what follows found again by counting alone?"""
        return self.after is None and not self.without


def search_digest(query: "SearchQuery") -> str:
    """What is searched for, whichever page of it: equal for equal searches, in every process."""
    asked = [
        (one.name, _canonical(getattr(query, one.name)))
        for one in fields(query)
        if one.name not in _PAGING
    ]
    return blake2b(repr(asked).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def write_cursor(cursor: Cursor) -> str:
    """A cursor as a string of at most `MAX_CURSOR_CHARS` characters."""
    ordinals = sorted(cursor.without)
    steps = [after - before for before, after in zip([0, *ordinals], ordinals, strict=False)]
    after = cursor.after or Position((), 0.0, -1)
    body = [_FORMAT, cursor.search, cursor.checkpoint[:_CHECKED_CHARS], cursor.rank]
    written = orjson.dumps([*body, after.keys, after.score, after.tie, steps])
    return urlsafe_b64encode(written).decode().rstrip("=")


def read_cursor(written: str) -> Cursor:
    """The cursor that a string is. Raises `CursorError`."""
    try:
        body = orjson.loads(urlsafe_b64decode(written + "=" * (-len(written) % 4)))
        version, search, checkpoint, rank, keys, score, tie, steps = body
        cursor = Cursor(
            _text(search),
            _text(checkpoint),
            _whole(rank, most=_MAX_RANK),
            _position(keys, score, tie),
            frozenset(accumulate(_whole(one, most=2**40) for one in steps[:MAX_WITHOUT])),
        )
    except (ValueError, TypeError, KeyError):
        raise CursorError(_FOREIGN) from None
    if version != _FORMAT:
        raise CursorError(_FOREIGN)
    return cursor


def check_cursor(query: "SearchQuery", *, checkpoint: str) -> None:
    """Raise `CursorError` where a query has another's cursor, `StaleCursorError` after a swap."""
    cursor = query.cursor
    if cursor is None:
        return
    if cursor.search != search_digest(query) or not _fits(cursor, query):
        raise CursorError(_OTHER)
    if cursor.checkpoint != checkpoint[:_CHECKED_CHARS]:
        raise StaleCursorError(
            f"the page before was ranked by checkpoint {cursor.checkpoint}, and now {checkpoint} "
            "answers, whose scores are others; leave the cursor out to begin anew"
        )


def _canonical(value: Any) -> Any:
    """A value as its `repr` is the same in every process: sets have no order of their own."""
    if is_dataclass(value) and not isinstance(value, type):
        named = ((one.name, _canonical(getattr(value, one.name))) for one in fields(value))
        return (type(value).__name__, *named)
    if isinstance(value, frozenset | set):
        return sorted((_canonical(one) for one in value), key=repr)
    if isinstance(value, Mapping):
        return sorted((str(name), _canonical(one)) for name, one in value.items())
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    return str(value) if isinstance(value, str) else value


def _fits(cursor: Cursor, query: "SearchQuery") -> bool:
    return cursor.after is None or len(cursor.after.keys) == len(query.sort)


def _position(keys: Any, score: object, tie: object) -> Position | None:
    if tie == -1:
        return None
    return Position(tuple(_key(one) for one in keys), _score(score), _tie(tie))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _whole(value: object, *, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError("expected a whole number")
    return value


def _score(value: object) -> float:
    if not isinstance(value, float | int) or isinstance(value, bool):
        raise TypeError("expected a number")
    return float(value)


def _tie(value: object) -> str | int:
    return value if isinstance(value, str) else _whole(value, most=INT64.stop - 1)


def _key(value: object) -> SortKey | None:
    """A key, if some document could have it."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise TypeError("expected a key")
    rank, own = value
    kind = SORT_KINDS[_whole(rank, most=len(SORT_KINDS) - 1)]
    if kind is ScalarKind.TEXT:
        return rank, _text(own)
    if kind is ScalarKind.DATE and not isinstance(own, int):
        raise TypeError("expected microseconds")
    _score(own)
    if isinstance(own, int) and own not in INT64:
        raise ValueError("expected an integer of 64 bits")
    return rank, own
