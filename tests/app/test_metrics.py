import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.app.process import SHARED_DIRECTORY
from tests.app.serving import BOOTS, service_of
from tests.paths import ROOT

_BUSY = """
import sys
from pathlib import Path
from molt.app.metrics import Metrics
metrics = Metrics()
metrics.in_flight.inc()
nothing = {"failed": (), "experiments": (), "threads": ()}
text = metrics.exposition((), **nothing, ready=True, home=Path()).decode()
print(next(line for line in text.splitlines() if line.startswith("molt_requests_in_flight ")))
sys.stdout.flush()
sys.stdin.read()
"""


def value(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    found = [line for line in lines if line.startswith(f"{name} ")]
    assert len(found) == 1, name
    return float(found[0].rpartition(" ")[2])


def test_requests_are_counted_by_route_method_and_status(shop: TestClient) -> None:
    name = 'molt_requests_total{method="GET",route="/search",status="200"}'
    shop.get("/search", params={"q": "boots"})
    before = value(shop, name)
    shop.get("/search", params={"q": "boots"})
    assert value(shop, name) == before + 1


def test_a_search_is_timed_in_its_two_parts(shop: TestClient) -> None:
    shop.get("/search", params={"q": "boots"})
    for part in ("encode", "search"):
        before = value(shop, f'molt_{part}_seconds_count{{route="/search"}}')
        shop.get("/search", params={"q": "boots"})
        assert value(shop, f'molt_{part}_seconds_count{{route="/search"}}') == before + 1


def stages(client: TestClient) -> dict[str, float]:
    """How often each stage of a search was timed."""
    found = re.findall(
        r'molt_search_stage_seconds_count{stage="(\w+)"} (\S+)', client.get("/metrics").text
    )
    return {stage: float(times) for stage, times in found}


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ({}, set()),
        ({"mode": "dense"}, set()),
        ({"facets": ["price"]}, {"facets"}),
        ({"sort": ["price"]}, {"order", "words"}),
        ({"sort": ["price"], "mode": "dense"}, {"order"}),
        ({"group_by": "price"}, {"order", "words"}),
        ({"group_by": "price", "mode": "lexical"}, {"order", "words"}),
        ({"rerank": "tokens"}, {"rerank"}),
        ({"highlight": True}, {"highlight"}),
        ({"answer": True}, {"highlight"}),
        ({"explain": True}, {"explain"}),
    ],
)
def test_each_stage_is_timed_where_a_search_has_it_and_only_there(
    shop: TestClient, asked: dict[str, Any], own: set[str]
) -> None:
    before = stages(shop)
    assert shop.post("/search", json={"query": "warm boots"} | asked).status_code == 200
    timed = {name for name, times in stages(shop).items() if times != before.get(name, 0)}
    assert timed - {"encode", "retrieve", "lexical", "fuse", "hydrate"} == own


def test_re_ranking_is_timed_by_its_kind(shop: TestClient) -> None:
    name = 'molt_rerank_seconds_count{kind="tokens",route="/search"}'
    shop.post("/search", json={"query": "warm", "rerank": "tokens"})
    before = value(shop, name)
    shop.post("/search", json={"query": "warm", "rerank": "tokens"})
    shop.post("/search", json={"query": "warm"})
    assert value(shop, name) == before + 1


def test_sealing_and_commits_of_words_are_timed(client: TestClient) -> None:
    assert "molt_indexing_seconds_count" not in client.get("/metrics").text
    client.post("/collections", json={"name": "default"})
    answer = client.post("/collections/default/documents", json={"documents": BOOTS})
    assert answer.json()["indexed"] is True
    for work in ("sealing", "lexical"):
        assert value(client, f'molt_indexing_seconds_count{{work="{work}"}}') >= 1


def test_encoded_texts_and_tokens_are_counted(shop: TestClient) -> None:
    texts, tokens = (
        value(shop, "molt_encoded_texts_total"),
        value(shop, "molt_encoded_tokens_total"),
    )
    shop.post("/v1/embeddings", json={"model": "default", "input": ["a b", "c"]})
    assert value(shop, "molt_encoded_texts_total") == texts + 2
    assert value(shop, "molt_encoded_tokens_total") == tokens + 7


def test_a_scrape_tells_how_far_each_collection_is_indexed(shop: TestClient) -> None:
    for name in ("documents", "revision", "indexed_revision"):
        assert value(shop, f'molt_collection_{name}{{collection="default"}}') == 3
    assert value(shop, "molt_ready") == 1
    assert value(shop, "molt_requests_in_flight") == 1
    assert value(shop, "molt_process_resident_memory_bytes") > 0


def test_a_job_that_failed_and_generations_that_were_taken_back_can_be_alerted_on(
    client: TestClient,
) -> None:
    engine = service_of(client).engine
    engine.catalog.collections.create("shop")
    assert "molt_job_failed{" not in client.get("/metrics").text
    engine.catalog.failures.note("shop", kind="retrain", job="j1", reason="too few judgments")
    engine.live_collections.refresh_changed()
    assert value(client, 'molt_job_failed{collection="shop",kind="retrain"}') == 1
    for _ in range(2):
        engine.sentinel.on_rollback("shop")
    assert value(client, 'molt_watch_rollbacks_total{collection="shop"}') == 2
    engine.catalog.collections.point("shop", generation=None)
    assert value(client, 'molt_collection_epoch{collection="shop"}') == 1


def test_two_applications_do_not_share_counters(shop: TestClient, client: TestClient) -> None:
    assert shop.get("/metrics").text != client.get("/metrics").text


@contextmanager
def busy(shared: Path) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """A process with one request, and how many all have that share its directory."""
    with subprocess.Popen(
        [sys.executable, "-c", _BUSY],
        cwd=ROOT,
        env=os.environ | {SHARED_DIRECTORY: str(shared)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process, float(process.stdout.readline().split()[1])
        process.kill()


def test_requests_of_a_process_that_died_are_forgotten_before_its_parent_knows(
    tmp_path: Path,
) -> None:
    with busy(tmp_path) as (first, alone):
        with busy(tmp_path) as (_, both):
            assert (alone, both) == (1, 2)
        first.kill()
        os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)
        with busy(tmp_path) as (_, left):
            assert left == 1


def test_deaths_of_threads_are_counted_by_their_names(shop: TestClient) -> None:
    sealing, *others = service_of(shop).engine.threads
    sealing.deaths = 2
    assert value(shop, f'molt_thread_deaths_total{{thread="{sealing.name}"}}') == 2
    for thread in others:
        assert value(shop, f'molt_thread_deaths_total{{thread="{thread.name}"}}') == 0
