"""Spans as tests see them: kept in memory, or sent to a collector that is one in name alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from molt.engine.telemetry.tracing import Tracing


class Recorded:
    """The spans of this process that have ended, in that order."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        """Every one."""
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of a name."""
        return [span for span in self.all if span.name == name]

    def only(self, name: str) -> ReadableSpan:
        """The one of a name."""
        (found,) = self.named(name)
        return found

    def within(self, outer: ReadableSpan) -> set[str]:
        """The names of the spans that `outer` is the next outer one of."""
        return {
            span.name
            for span in self.all
            if span.parent is not None and span.parent.span_id == outer.context.span_id
        }

    def clear(self) -> None:
        """Forget them."""
        self._exporter.clear()


@contextmanager
def recorded() -> Iterator[Recorded]:
    """The spans that are made while the block lasts."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider)
    try:
        yield Recorded(exporter)
    finally:
        tracing.close()


class Collector:
    """What takes spans over HTTP, or lets whoever sends them wait for ever."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.asked = threading.Event()
        self.services: set[str] = set()
        self.spans: list[str] = []
        self._released = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                collector.asked.set()
                if hangs:
                    collector._released.wait()
                    return
                collector.take(ExportTraceServiceRequest.FromString(content))
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            self.services |= {
                one.value.string_value
                for one in resource.resource.attributes
                if one.key == "service.name"
            }
            self.spans += [one.name for scope in resource.scope_spans for one in scope.spans]

    @contextmanager
    def listening(self) -> Iterator["Collector"]:
        """It listens as long as the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._released.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
