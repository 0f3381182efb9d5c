"""Expiring: when documents expire by a field of their metadata, and what is to be said of that.

A date is what filters take for one: without a zone it is in UTC, without a time the moment at which
the day begins. Of several the first counts. Documents without one never expire.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.expiries import ExpiryReader, ExpiryState, Stated
from molt.index.segments.flattening import flatten
from molt.index.segments.readings import read_date
from molt.index.segments.scalar import ScalarKind, own_field

Clock = Callable[[], int]
"""Tells the time, in microseconds since 1970."""

_WRITTEN = "a date is written as 2026-11-30T18:00:00Z"
_NAMED = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall_clock() -> int:
    """The time of day, in microseconds since 1970."""
    since = datetime.now(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def read_expiry(metadata: Mapping[str, Any], *, field: str) -> Stated | None:
    """What metadata say of the expiry in `field`; None where they say nothing: null, or blank."""
    wanted = own_field(field)
    values = [line.scalar for line in flatten(metadata) if line.field == wanted]
    texts = [value.value for value in values if isinstance(value.value, str)]
    dates = [date.first for text in texts if (date := read_date(text))]
    if dates:
        return Stated(min(dates))
    others = [value for value in values if value.kind not in {ScalarKind.TEXT, ScalarKind.NULL}]
    return Stated(None) if others or any(text.strip() for text in texts) else None


def expiry_reader(field: str) -> ExpiryReader:
    """Reads the expiry in one field."""
    return partial(read_expiry, field=field)


def has_expired(metadata: Mapping[str, Any], *, field: str, now: int) -> bool:
    """Is a document with this metadata to be found no more at `now`?"""
    said = read_expiry(metadata, field=field)
    return said is not None and said.at is not None and said.at <= now


def expiry_warnings(catalog: Catalog, collection: Collection) -> list[str]:
    """What keeps documents from expiring by the field that was just chosen, in words.

    Looks at the first few thousand documents. Raises `CollectionNotFoundError`.
    """
    field = collection.expiry_field
    batch = next(iter(catalog.documents.metadata(collection)), None)
    if field is None or batch is None:
        return []
    said = [read_expiry(each, field=field) for each in batch.metadata]
    dated = sum(one is not None and one.at is not None for one in said)
    unread = [name for name, one in zip(batch.ids, said, strict=True) if one == Stated(None)]
    missing = len(said) - dated - len(unread)
    first = f"of the first {_counted(len(said))}"
    return [
        *([f"{first} none has a date in '{field}'; {_WRITTEN}"] if not dated else []),
        *([f"{first} {missing} never expire: '{field}' is empty"] if missing and dated else []),
        *([f"{first} {len(unread)} never expire: {_unread(field, unread)}"] if unread else []),
    ]


def state_warnings(collection: Collection, state: ExpiryState) -> list[str]:
    """What keeps documents from expiring, in words, by what is known of all of them."""
    field = str(collection.expiry_field)
    never = f"{_counted(state.unreadable)} never expire{'s' if state.unreadable == 1 else ''}"
    dateless = state.complete and state.next is None and collection.documents
    return [
        *([f"no document has a date in '{field}'; {_WRITTEN}"] if dateless else []),
        *([f"{never}: {_unread(field, state.named)}"] if state.unreadable else []),
    ]


def _counted(count: int) -> str:
    return "1 document" if count == 1 else f"{count} documents"


def _unread(field: str, named: Sequence[str]) -> str:
    names = ", ".join(map(repr, named[:_NAMED])) + (", …" if len(named) > _NAMED else "")
    return f"what '{field}' holds is no date ({names})"
