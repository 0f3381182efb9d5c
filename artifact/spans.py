"""Spans: how they are made with OpenTelemetry's API. Knows neither its SDK nor where they go."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_span_id,
    format_trace_id,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from molt.artifact.tracing import Attribute, EntryKind

_KINDS: Mapping[EntryKind, SpanKind] = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER}


class SpanMaker:
    """The spans that a tracer makes. Thread-safe."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def child(self, name: str, attributes: Mapping[str, Attribute]) -> Iterator[Span]:
        """A span within the open one."""
        opening = self._tracer.start_as_current_span(
            name,
            attributes=_own(attributes),
            record_exception=False,
            set_status_on_exception=False,
        )
        with opening as opened, _failing(opened):
            yield opened

    @contextmanager
    def entry(
        self,
        name: str,
        carried: Mapping[str, str],
        kind: EntryKind,
        attributes: Mapping[str, Attribute],
    ) -> Iterator[Span]:
        """A span within the one that is `carried`, whatever is open here."""
        opening = self._tracer.start_as_current_span(
            name,
            context=self._propagator.extract(carried, Context()),
            kind=_KINDS[kind],
            attributes=_own(attributes),
            record_exception=False,
            set_status_on_exception=False,
        )
        with opening as opened, _failing(opened):
            yield opened

    def carried(self) -> dict[str, str]:
        """The open span as headers."""
        headers: dict[str, str] = {}
        self._propagator.inject(headers)
        return headers

    def ids(self) -> dict[str, str]:
        """The ids of the open span and of its trace."""
        context = get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {
            "trace_id": format_trace_id(context.trace_id),
            "span_id": format_span_id(context.span_id),
        }


def _own(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {f"molt.{name}": value for name, value in attributes.items()}


@contextmanager
def _failing(opened: Span) -> Iterator[None]:
    """Tell a span what ended it, by its kind alone: a message may quote a text."""
    try:
        yield
    except Exception as error:
        opened.set_status(StatusCode.ERROR, type(error).__name__)
        raise
