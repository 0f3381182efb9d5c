"""Tracing: whether this process has spans made, and where they go, by OpenTelemetry's SDK.

Where is the setting's or, without one, what OpenTelemetry's own variables say; everything else is
theirs. What a collector does, or does not, is noticed by no request: spans are sent by a thread of
their own, and dropped where they are too many. Nothing is imported where nothing is traced.
"""

# ruff: noqa: PLC0415  see above

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog

from molt import __version__
from molt.artifact import ForeseenError
from molt.artifact.tracing import install_spans
from molt.engine.sections import TracingSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 5.0
"""What has not been sent by then when a process ends is lost."""
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PATH = "/v1/traces"
_NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_MISSING = "OpenTelemetry is not installed; `pip install 'molt-search[tracing]'` brings it"


class TracingError(ForeseenError):
    """What was set to be traced cannot be."""


class Tracing:
    """The spans of this process: made from now on, and sent until it is closed."""

    def __init__(self, provider: "TracerProvider") -> None:
        from molt.artifact.spans import SpanMaker

        self._provider = provider
        install_spans(SpanMaker(provider.get_tracer("molt", __version__)))

    def close(self) -> None:
        """Make no more of them, and send those that were made, if that can be done soon."""
        install_spans(None)
        ending = threading.Thread(target=self._provider.shutdown, name="tracing", daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)


def require_tracing(
    settings: TracingSettings, *, environment: Mapping[str, str] = os.environ
) -> None:
    """See that what is to be traced can be. Raises `TracingError` where the setting asks for it.

    A variable that is there for every program of a machine keeps none from starting.
    """
    if _is_wanted(settings, environment) and not _is_installed():
        if settings.endpoint is not None:
            raise TracingError(f"tracing.endpoint is set and {_MISSING}, or leave the setting out")
        log.warning("tracing.off", reason=_MISSING)


def open_tracing(
    settings: TracingSettings, *, environment: Mapping[str, str] = os.environ
) -> Tracing | None:
    """Begin to trace this process; None where nothing asks for it, or it cannot be."""
    if not _is_wanted(settings, environment) or not _is_installed():
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # `_telling` says it once
    endpoint = settings.endpoint
    return Tracing(
        sending(OTLPSpanExporter(None if endpoint is None else endpoint.rstrip("/") + _PATH))
    )


def sending(exporter: "SpanExporter") -> "TracerProvider":
    """What has a thread send spans by `exporter`, under the name `molt` unless there is another."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own = Resource.create({"service.name": "molt", "service.version": __version__})
    provider = TracerProvider(
        resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(_telling(exporter)))
    return provider


def _telling(exporter: "SpanExporter") -> "SpanExporter":
    """The exporter, which logs when sending begins to fail and when it works again."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Telling(SpanExporter):
        failing = False

        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            result = exporter.export(spans)
            failed = result is not SpanExportResult.SUCCESS
            if failed and not self.failing:
                log.warning("tracing.failed", reason="the collector does not take spans")
            elif self.failing and not failed:
                log.info("tracing.recovered")
            self.failing = failed
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Telling()


def _is_wanted(settings: TracingSettings, environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return settings.endpoint is not None or any(environment.get(name) for name in _ENDPOINTS)


def _is_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _NEEDED)
    except ModuleNotFoundError:  # of a package above
        return False
