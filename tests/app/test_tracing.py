"""Spans through the real application: what a request, its search and its writes are made of."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import structlog
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
from starlette.testclient import TestClient
from structlog.testing import CapturingLogger

from molt.engine.sections import LogSettings
from molt.engine.telemetry.logs import configure_logs
from molt.engine.telemetry.tracing import FLUSH_SECONDS
from tests.app.serving import BOOTS, service_of, serving, started
from tests.paths import ROOT
from tests.spans import Collector, Recorded, recorded

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
SECRET = "nobody but me asks this"


@pytest.fixture(scope="module")
def spans() -> Iterator[Recorded]:
    with recorded() as found:
        yield found


@pytest.fixture(scope="module")
def traced(spans: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with three documents, each request of which leaves spans."""
    with serving(tmp_path_factory.mktemp("traced")) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": BOOTS})
        yield client


def attributes(span: Any) -> dict[str, Any]:
    return dict(span.attributes)


def test_a_request_is_a_span_that_says_what_was_answered(
    traced: TestClient, spans: Recorded
) -> None:
    spans.clear()
    traced.get("/collections/none", headers={"X-Request-ID": "r1"})
    span = spans.only("GET /collections/{collection}")
    assert span.kind is SpanKind.SERVER
    assert span.parent is None
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/collections/{collection}",
        "http.response.status_code": 404,
        "molt.request_id": "r1",
    }


def test_a_search_is_a_span_within_its_request_and_each_stage_one_within_it(
    traced: TestClient, spans: Recorded
) -> None:
    spans.clear()
    body = {"query": "warm boots", "highlight": True, "facets": ["price"]}
    answer = traced.post("/search", json=body).json()
    assert spans.within(spans.only("POST /search")) == {"search"}
    search = spans.only("search")
    stages = {f"search.{stage}" for stage in answer["search"]["stages_ms"]}
    assert stages >= {
        "search.encode",
        "search.retrieve",
        "search.lexical",
        "search.fuse",
        "search.facets",
        "search.hydrate",
        "search.highlight",
    }
    assert spans.within(search) == stages
    assert attributes(search) == {
        "molt.collection": "default",
        "molt.mode": "hybrid",
        "molt.k": 10,
    }


def test_each_search_of_a_batch_is_a_span_of_the_one_request(
    traced: TestClient, spans: Recorded
) -> None:
    spans.clear()
    searches = [{"query": "boots"}, {"query": "a tent"}]
    traced.post("/search/batch", json={"searches": searches})
    request = spans.only("POST /search/batch")
    found = spans.named("search")
    assert len(found) == 2
    assert {span.context.trace_id for span in found} == {request.context.trace_id}


def test_the_trace_of_a_request_goes_on_and_stands_in_each_line_of_its_log(
    traced: TestClient, spans: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans.clear()
    captured = CapturingLogger()
    configure_logs(LogSettings())
    processors = structlog.get_config()["processors"][:-1]
    structlog.reset_defaults()
    monkeypatch.setattr(
        "molt.app.http.observation.log", structlog.wrap_logger(captured, processors=processors)
    )
    traced.get("/search", params={"q": "boots"}, headers={"traceparent": PARENT})
    request = spans.only("GET /search")
    assert {format_trace_id(span.context.trace_id) for span in spans.all} == {TRACE}
    assert f"{request.parent.span_id:016x}" == "b7ad6b7169203331"
    (line,) = captured.calls
    assert line.kwargs["trace_id"] == TRACE
    assert line.kwargs["span_id"] == f"{request.context.span_id:016x}"


@pytest.mark.parametrize(
    "sent", ["", "00-0-0-01", "x" * 5000, f"00-{'0' * 32}-b7ad6b7169203331-01"]
)
def test_a_trace_that_is_none_is_begun_anew(traced: TestClient, spans: Recorded, sent: str) -> None:
    spans.clear()
    assert traced.get("/collections", headers={"traceparent": sent}).status_code == 200
    assert spans.only("GET /collections").parent is None


def test_what_whoever_asks_does_not_sample_is_not_recorded(
    traced: TestClient, spans: Recorded
) -> None:
    spans.clear()
    traced.get("/search", params={"q": "boots"}, headers={"traceparent": f"{PARENT[:-2]}00"})
    assert spans.all == ()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics"])
def test_a_probe_is_no_span(traced: TestClient, spans: Recorded, path: str) -> None:
    spans.clear()
    assert traced.get(path).status_code == 200
    assert spans.all == ()


def test_no_span_holds_what_a_person_wrote_and_a_failure_is_told_by_its_kind(
    traced: TestClient, spans: Recorded
) -> None:
    spans.clear()
    filtered = {"field": SECRET, "gte": 1}
    answer = traced.post("/search", json={"query": SECRET, "filter": filtered})
    assert answer.status_code == 422
    search = spans.only("search")
    assert search.status.status_code is StatusCode.ERROR
    assert search.status.description == "UnknownFieldError"
    assert spans.only("POST /search").status.status_code is StatusCode.UNSET
    assert SECRET not in "".join(span.to_json() for span in spans.all)


def test_a_failure_of_ours_is_one_of_its_request(
    traced: TestClient, spans: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans.clear()

    def fail(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(service_of(traced).engine, "search", fail)
    assert traced.get("/search", params={"q": "boots"}).status_code == 500
    request = spans.only("GET /search")
    assert request.status.status_code is StatusCode.ERROR
    assert SECRET not in request.to_json()


def test_documents_are_encoded_written_and_committed_within_one_span(
    traced: TestClient, spans: Recorded
) -> None:
    spans.clear()
    documents = [{"id": "new", "text": "a kettle that whistles"}]
    answer = traced.post("/collections/default/documents", json={"documents": documents})
    assert answer.json()["indexed"] is True
    seal = spans.only("index.seal")
    assert attributes(seal) == {"molt.collection": "default", "molt.documents": 1}
    parts = {"index.encode", "index.write", "index.commit"}
    assert parts <= spans.within(seal) <= parts | {"index.words"}
    words = spans.only("index.words")
    assert spans.within(words) == {"index.words_commit"}


def test_a_job_is_told_of_the_trace_of_the_request_that_asked_for_it(
    traced: TestClient, spans: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    queue = service_of(traced).engine.jobs
    enqueue = queue._client.enqueue

    def note(order: Any, given: dict[str, Any]) -> Any:
        told.append(given)
        return enqueue(order, given)

    monkeypatch.setattr(queue._client, "enqueue", note)
    answer = traced.post(
        "/admin/reindex", json={"collection": "default"}, headers={"traceparent": PARENT}
    )
    assert answer.status_code == 202
    (given,) = told
    assert given["trace"]["traceparent"].startswith(f"00-{TRACE}-")


def test_nothing_of_opentelemetry_s_sdk_is_imported_where_nothing_is_traced() -> None:
    program = (
        "import sys, molt.app.application, molt.app.server, molt.worker.worker\n"
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter',"
        " 'molt.artifact.spans')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_a_server_sends_its_spans_to_the_collector_of_the_environment_before_it_ends(
    tmp_path: Path,
) -> None:
    with (
        Collector().listening() as collector,
        started(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as process,
    ):
        urlopen(f"{process.url}/collections").close()
        assert process.stop() == 0
    assert "GET /collections" in collector.spans
    assert collector.services == {"molt"}


def test_a_collector_that_never_answers_holds_up_neither_a_request_nor_the_end(
    tmp_path: Path,
) -> None:
    with Collector(hangs=True).listening() as collector:
        told = {"MOLT_TRACING__ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "10"}
        with started(tmp_path, **told) as process:
            urlopen(f"{process.url}/collections").close()
            assert collector.asked.wait(30)
            urlopen(f"{process.url}/collections").close()
            began = time.monotonic()
            assert process.stop() == 0
            assert time.monotonic() - began < FLUSH_SECONDS + 20
