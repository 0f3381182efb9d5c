"""Metrics: what Prometheus may ask of this server, and nothing that logs say better.

One process keeps its numbers in memory. Several share files in the directory that
`PROMETHEUS_MULTIPROC_DIR` names (the server sets it), so that a scrape of any one sums them all.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from molt.app.experiment_metrics import ExperimentMetrics, collection_gauge
from molt.app.process import SHARED_DIRECTORY
from molt.artifact import FileLock, exclusive, share_file
from molt.engine.live.status import CollectionStatus
from molt.engine.search.query import Looked, SearchAnswer
from molt.engine.threads import LastingThread
from molt.index.catalog.failures import JobFailure
from molt.index.catalog.judging.experiments.experiment import Experiment
from molt.index.ranking.reranking import RerankKind

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics:
    """The counters of one process. Every update is safe in any thread."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._alive = _counted_among(os.environ.get(SHARED_DIRECTORY))
        self._own = CollectorRegistry()
        self._requests = self._counter(
            "molt_requests_total", "Requests answered", "route", "method", "status"
        )
        self._request_seconds = self._histogram("molt_request_seconds", "Seconds per request")
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.in_flight = self._living("molt_requests_in_flight", "Requests being answered")
        self.pending = self._living(
            "molt_requests_pending", "Requests at work or waiting behind a bulkhead", "bulkhead"
        )
        self.connections = self._living("molt_connections", "Open connections")
        self._turned_away = self._counter(
            "molt_connections_refused_total",
            "Connections ended because of what came on them, or how slowly",
            "reason",
        )
        self._refusals = self._counter(
            "molt_overload_refusals_total", "Requests refused with 429", "where"
        )
        self._encode_seconds = self._histogram("molt_encode_seconds", "Seconds of encoding")
        self._search_seconds = self._histogram("molt_search_seconds", "Seconds of index search")
        timed = self._histogram
        self._rerank_seconds = timed("molt_rerank_seconds", "Seconds to re-rank", "route", "kind")
        self._reranked = self._counter(
            "molt_reranked_texts_total", "Texts compared with a query token by token", "tokens"
        )
        self._shown = self._counter("molt_highlighted_passages_total", "Passages shown", "tokens")
        self._stage_seconds = timed("molt_search_stage_seconds", "Seconds of a stage", "stage")
        self._indexing_seconds = timed("molt_indexing_seconds", "Seconds of a turn", "work")
        self._left_out = self._counter(
            "molt_search_left_out_total", "Searches that a retriever was left out of", "retriever"
        )
        self._kept = self._counter("molt_kept_searches_total", "Searches to learn from", "outcome")
        self._rollbacks = self._counter(
            "molt_watch_rollbacks_total", "Generations that the watch took back", "collection"
        )
        self.texts = self._counter("molt_encoded_texts_total", "Texts encoded")
        self.tokens = self._counter("molt_encoded_tokens_total", "Tokens encoded")

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (route, method, status)
        series = self._series.get(key)
        if series is None:
            counter = self._requests.labels(route, method, str(status))
            series = self._series[key] = counter, self._request_seconds.labels(route)
        series[0].inc()
        series[1].observe(seconds)

    def refused(self, where: str) -> None:
        """Count one request that found `where` full."""
        self._refusals.labels(where).inc()

    def shed(self, method: str, route: str, where: str, count: int) -> None:
        """Count requests that were refused before an application saw them, and took no time."""
        self._requests.labels(route, method, "429").inc(count)
        self._refusals.labels(where).inc(count)

    def turned_away(self, reason: str) -> None:
        """Count one connection that was ended."""
        self._turned_away.labels(reason).inc()

    def searched(self, answer: SearchAnswer, *, route: str) -> None:
        """Count one search, by its two parts, by each stage, and by what was left out."""
        self._encode_seconds.labels(route).observe(answer.encode_seconds)
        self._search_seconds.labels(route).observe(answer.search_seconds)
        for stage, seconds in answer.seconds.items():
            self._stage_seconds.labels(stage).observe(seconds)
        for retriever in answer.left_out:
            self._left_out.labels(retriever).inc()

    def reranked(
        self, *, route: str, kind: RerankKind, seconds: float, passages: int, encoded: int
    ) -> None:
        """Count one re-ranking of texts, some of which had to be encoded."""
        self._rerank_seconds.labels(route, kind).observe(seconds)
        self._reranked.labels("cached").inc(passages - encoded)
        self._reranked.labels("encoded").inc(encoded)

    def highlighted(self, looked: Looked) -> None:
        """Count the passages of one search that sentences were chosen of."""
        self._shown.labels("cached").inc(looked.n_passages - looked.n_encoded)
        self._shown.labels("encoded").inc(looked.n_encoded)

    def encoded(self, *, route: str, seconds: float, texts: int, tokens: int) -> None:
        """Count one request for embeddings."""
        self._encode_seconds.labels(route).observe(seconds)
        self.texts.inc(texts)
        self.tokens.inc(tokens)

    def indexed(self, work: str, seconds: float) -> None:
        """Count one turn of work at the index of a collection."""
        self._indexing_seconds.labels(work).observe(seconds)

    def kept(self, outcome: str, count: int) -> None:
        """Count searches that were kept, or lost on the way there."""
        self._kept.labels(outcome).inc(count)

    def took_back(self, collection: str) -> None:
        """Count a rollback by the watch."""
        self._rollbacks.labels(collection).inc()

    def exposition(  # noqa: PLR0913  each by name
        self,
        collections: Iterable[CollectionStatus],
        *,
        failed: Iterable[JobFailure],
        experiments: Iterable[Experiment],
        threads: Iterable[LastingThread],
        ready: bool,
        home: Path,
    ) -> bytes:
        """All metrics in Prometheus' text format."""
        moment = CollectorRegistry()
        ProcessCollector(namespace="molt", registry=moment)
        moment.register(_Moment(collections, failed=failed, threads=threads, ready=ready))
        moment.register(ExperimentMetrics(experiments))
        moment.register(_Disk(home))
        counted = self._own
        if SHARED_DIRECTORY in os.environ:
            _forget_dead(Path(os.environ[SHARED_DIRECTORY]))
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        return generate_latest(counted) + generate_latest(moment)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, labels, registry=self._own)

    def _living(self, name: str, what: str, *labels: str) -> Gauge:
        """A gauge of the processes that live, all of them together."""
        return Gauge(name, what, labels, registry=self._own, multiprocess_mode="livesum")

    def _histogram(self, name: str, what: str, *labels: str) -> Histogram:
        return Histogram(name, what, labels or ("route",), registry=self._own, buckets=_SECONDS)


def _counted_among(shared: str | None) -> FileLock | None:
    """A lock that tells the other processes for as long as this one lives."""
    if shared is None:
        return None
    _forget_dead(Path(shared))  # a process that had this one's number before may be among them
    return share_file(_life(Path(shared), os.getpid()))


def _forget_dead(shared: Path) -> None:
    """Requests at a process that was killed are in flight no more; what it has counted stays.

    Its number tells nothing: it is kept until the supervisor takes note, and may be another's then.
    """
    for gauge in shared.glob("gauge_livesum_*.db"):
        with suppress(BlockingIOError), exclusive(_life(shared, gauge.stem.rpartition("_")[2])):
            gauge.unlink(missing_ok=True)


def _life(shared: Path, pid: int | str) -> Path:
    """What a process has locked while it lives."""
    return shared / f"{pid}.lock"


class _Disk(Collector):
    """The disk under the home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def collect(self) -> Iterable[Metric]:
        """What may still be written; nothing where the disk does not say."""
        with suppress(OSError):
            free = disk_usage(self._home).free
            yield GaugeMetricFamily(
                "molt_disk_free_bytes", "Bytes that may still be written to the home", float(free)
            )


class _Moment(Collector):
    """What is true at the moment of the scrape."""

    def __init__(
        self,
        collections: Iterable[CollectionStatus],
        *,
        failed: Iterable[JobFailure],
        threads: Iterable[LastingThread],
        ready: bool,
    ) -> None:
        self._collections = tuple(collections)
        self._failed = tuple(failed)
        self._threads = tuple(threads)
        self._ready = ready

    def collect(self) -> Iterable[Metric]:
        """Of each collection, of jobs, of threads, and whether it is ready."""
        yield from self._of_collections()
        failed = GaugeMetricFamily(
            "molt_job_failed", "1 where the last job failed", labels=("collection", "kind")
        )
        for failure in self._failed:
            failed.add_metric([failure.collection, failure.kind], 1)
        deaths = CounterMetricFamily(
            "molt_thread_deaths", "How often a thread had to be started again", labels=("thread",)
        )
        for thread in self._threads:
            deaths.add_metric([thread.name], thread.deaths)
        ready = GaugeMetricFamily("molt_ready", "1 where /readyz answers 200", float(self._ready))
        yield from (failed, deaths, ready)

    def _of_collections(self) -> Iterable[Metric]:
        documents = collection_gauge("molt_collection_documents", "Live documents")
        revision = collection_gauge("molt_collection_revision", "Changes acknowledged")
        indexed = collection_gauge(
            "molt_collection_indexed_revision", "Changes that can be searched"
        )
        epoch = collection_gauge("molt_collection_epoch", "Moves of the pointer")
        answers = collection_gauge("molt_collection_answers", "1 where searches are answered")
        refused = collection_gauge(
            "molt_collection_refused", "1 where what the pointer names is refused"
        )
        aside = collection_gauge("molt_collection_quarantined", "Documents that cannot be encoded")
        expired = CounterMetricFamily(
            "molt_collection_expired", "Documents deleted as expired", labels=("collection",)
        )
        for status in self._collections:
            name = [status.collection.name]
            answers.add_metric(name, status.answers)
            refused.add_metric(name, status.state == "refused")
            documents.add_metric(name, status.collection.documents)
            revision.add_metric(name, status.collection.revision)
            indexed.add_metric(name, status.indexed_revision)
            epoch.add_metric(name, status.collection.epoch)
            aside.add_metric(name, len(status.quarantined))
            expired.add_metric(name, status.collection.expired)
        return documents, revision, indexed, epoch, answers, refused, aside, expired
