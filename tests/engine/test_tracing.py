"""Whether a process is traced: as its settings and OpenTelemetry's own variables say."""

from collections.abc import Mapping

import pytest
import structlog
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from pydantic import ValidationError
from structlog.testing import capture_logs

from molt.artifact.tracing import carried_trace, entry, is_tracing, span_ids, traced, within_trace
from molt.engine.sections import TracingSettings
from molt.engine.telemetry import tracing
from molt.engine.telemetry.tracing import (
    Tracing,
    TracingError,
    open_tracing,
    require_tracing,
    sending,
)

EVERYWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
SET = TracingSettings(endpoint="http://127.0.0.1:9")


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry's SDK is not installed."""
    monkeypatch.setattr(tracing, "_NEEDED", ("opentelemetry.nothing.at.all",))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        EVERYWHERE | {"OTEL_SDK_DISABLED": "true"},
        EVERYWHERE | {"OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_unless_something_asks_for_it(environment: Mapping[str, str]) -> None:
    assert open_tracing(TracingSettings(), environment=environment) is None
    assert not is_tracing()


@pytest.mark.parametrize(("settings", "environment"), [(SET, {}), (TracingSettings(), EVERYWHERE)])
def test_a_setting_or_the_variable_of_every_program_begins_it(
    settings: TracingSettings, environment: Mapping[str, str]
) -> None:
    opened = open_tracing(settings, environment=environment)
    assert opened is not None
    assert is_tracing()
    opened.close()
    assert not is_tracing()


def test_a_setting_without_the_extra_says_what_to_install(absent: None) -> None:
    with pytest.raises(TracingError, match=r"pip install 'molt-search\[tracing\]'"):
        require_tracing(SET, environment={})


def test_a_variable_of_every_program_keeps_none_without_the_extra_from_starting(
    absent: None,
) -> None:
    with capture_logs() as logged:
        require_tracing(TracingSettings(), environment=EVERYWHERE)
    assert [line["event"] for line in logged] == ["tracing.off"]
    assert "pip install" in logged[0]["reason"]
    assert open_tracing(TracingSettings(), environment=EVERYWHERE) is None


@pytest.mark.parametrize("wrong", ["", "localhost:4318", "ftp://collector", "http://"])
def test_an_endpoint_is_a_url(wrong: str) -> None:
    with pytest.raises(ValidationError):
        TracingSettings(endpoint=wrong)


def test_where_nothing_is_traced_blocks_leave_nothing() -> None:
    with traced("a"), entry("b", {}, kind="server") as opened:
        assert opened is None
        assert span_ids() == carried_trace() == {}
    assert within_trace(print) is print


class Flaky(SpanExporter):
    """Takes spans or not, as `works` says."""

    works = False

    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self.works else SpanExportResult.FAILURE


def test_a_collector_that_is_away_and_comes_back_is_told_once_each() -> None:
    flaky = Flaky()
    provider = sending(flaky)
    tracing = Tracing(provider)
    structlog.reset_defaults()
    with capture_logs() as logged:
        for works in (False, False, True, True):
            flaky.works = works
            with traced("some"):
                pass
            provider.force_flush()
    tracing.close()
    assert [line["event"] for line in logged] == ["tracing.failed", "tracing.recovered"]
