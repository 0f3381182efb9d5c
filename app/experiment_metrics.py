"""Metrics of experiments: what a scrape is told of the newest one of each collection."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from molt.engine.watch.experiments.evidence import read_evidence
from molt.index.catalog.judging.experiments.experiment import Experiment, ExperimentState


class ExperimentMetrics(Collector):
    """The newest experiment of each collection."""

    def __init__(self, experiments: Iterable[Experiment]) -> None:
        self._experiments = tuple(experiments)

    def collect(self) -> Iterable[Metric]:
        """Whether it goes on, what was shown, and what the clicks on that say of its arms."""
        running = collection_gauge(
            "molt_experiment_running", "1 where searches take part in an experiment"
        )
        searches = collection_gauge("molt_experiment_searches", "Searches that both arms answered")
        counted = collection_gauge("molt_experiment_counted", "Searches whose clicks were counted")
        labels = ("collection", "arm")
        credit = GaugeMetricFamily("molt_experiment_credit", "Credit by clicks", labels=labels)
        log_e = GaugeMetricFamily("molt_experiment_log_e", "Log of the e-value", labels=labels)
        for one in self._experiments:
            evidence = read_evidence(one.evidence)
            running.add_metric([one.collection], one.state is ExperimentState.RUNNING)
            searches.add_metric([one.collection], one.searches)
            counted.add_metric([one.collection], evidence.counted)
            credit.add_metric([one.collection, "a"], evidence.credit_a)
            credit.add_metric([one.collection, "b"], evidence.credit_b)
            log_e.add_metric([one.collection, "a"], evidence.log_e("a"))
            log_e.add_metric([one.collection, "b"], evidence.log_e("b"))
        return running, searches, counted, credit, log_e


def collection_gauge(name: str, what: str) -> GaugeMetricFamily:
    """A gauge that has a value for each collection."""
    return GaugeMetricFamily(name, what, labels=("collection",))
