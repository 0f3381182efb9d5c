"""Tracing: spans of what is done, where a process has them made; else nothing at all.

The seam that every part may stand on. How spans are made is `spans`', which is imported only where
they are. No span holds what a person wrote: neither a query nor a text, an id of a document or the
message of an error.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from molt.artifact.spans import SpanMaker

_P = ParamSpec("_P")
_T = TypeVar("_T")

Attribute = str | int | float | bool
EntryKind = Literal["server", "consumer"]
"""Does somebody wait for it, or was it taken from a queue?"""

_spans: "SpanMaker | None" = None
_NOTHING: AbstractContextManager[None] = nullcontext()


def install_spans(spans: "SpanMaker | None") -> None:
    """Have the spans of this process made so from now on; with None there are no more."""
    global _spans  # noqa: PLW0603  as with logs, a process has one of it
    _spans = spans


def is_tracing() -> bool:
    """Are there any?"""
    return _spans is not None


def traced(name: str, **attributes: Attribute) -> AbstractContextManager["Span | None"]:
    """A span as long as the block, within the one that is open; `attributes` are Molt's own."""
    return _NOTHING if _spans is None else _spans.child(name, attributes)


def entry(
    name: str, carried: Mapping[str, str], *, kind: EntryKind, **attributes: Attribute
) -> AbstractContextManager["Span | None"]:
    """A span in which something begins that another process asked for.

    It goes on with the trace that is `carried` in the headers of W3C's Trace Context, unless those
    are absent or wrong.
    """
    return _NOTHING if _spans is None else _spans.entry(name, carried, kind, attributes)


def carried_trace() -> dict[str, str]:
    """The open span as headers of W3C's Trace Context, for `entry` in another process."""
    return {} if _spans is None else _spans.carried()


def span_ids() -> dict[str, str]:
    """The ids of the open span and of its trace, in hexadecimal; nothing where there is none."""
    return {} if _spans is None else _spans.ids()


def within_trace(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """`work`, which another thread will do within the span that is open here."""
    return work if _spans is None else partial(copy_context().run, work)
