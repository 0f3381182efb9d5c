"""Real processes: a hashing encoder behind the real server."""

import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi import FastAPI

from molt.app.server import _config
from molt.engine.settings import load_settings
from tests.app.serving import Process, started
from tests.paths import DOCS, ROOT

SEARCH = {"query": "boots", "collection": "shop"}


def test_a_server_ends_what_it_began_before_it_stops(tmp_path: Path) -> None:
    with started(tmp_path) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/collections", json={"name": "default"}).raise_for_status()
        begun = threading.Event()
        stopped = threading.Event()

        def slowly() -> Iterator[bytes]:
            yield b'{"id": "a", "text": "warm boots"}\n'
            begun.set()
            stopped.wait(30)
            yield b'{"id": "b", "text": "a tent"}\n'

        def stop() -> None:
            begun.wait(30)
            server.popen.send_signal(signal.SIGTERM)
            while listens(server.url):
                pass
            stopped.set()

        threading.Thread(target=stop).start()
        answer = client.post(
            "/collections/default/documents",
            content=slowly(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.json() == {"accepted": 2, "revision": 2, "indexed": True}
        assert server.popen.wait(60) == 0
    with started(tmp_path) as server:
        assert httpx.get(f"{server.url}/collections/default").json()["documents"] == 2


def listens(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def test_whoever_follows_a_job_does_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        httpx.post(f"{server.url}/collections", json={"name": "shop"}, timeout=60)
        job = httpx.post(f"{server.url}/admin/reindex", json={"collection": "shop"}, timeout=60)
        url = f"{server.url}{job.headers['location']}/events"
        with httpx.stream("GET", url, timeout=60) as following:
            server.popen.send_signal(signal.SIGTERM)
            assert following.read() == b""
        assert server.popen.wait(20) == 0  # an answer at work is given 35 s


def test_two_workers_answer_for_one_home_and_count_together(tmp_path: Path) -> None:
    with started(tmp_path, "workers=2") as server:
        answer = httpx.post(f"{server.url}/collections", json={"name": "default"}, timeout=60)
        assert answer.status_code == 201
        documents = {"documents": [{"id": "a", "text": "warm boots"}]}
        url = f"{server.url}/collections/default/documents"
        assert httpx.post(url, json=documents, timeout=60).json()["indexed"] is True
        for _ in range(20):
            httpx.get(f"{server.url}/livez").raise_for_status()
        text = httpx.get(f"{server.url}/metrics").text
        assert 'molt_requests_total{method="GET",route="/livez",status="200"} 20.0' in text
        assert 'molt_collection_documents{collection="default"} 1.0' in text
        assert server.stop() == 0


def test_requests_of_a_process_that_was_killed_are_in_flight_no_more(tmp_path: Path) -> None:
    with started(tmp_path, "workers=2") as server:
        httpx.post(f"{server.url}/collections", json={"name": "shop"}, timeout=60)
        job = httpx.post(f"{server.url}/admin/reindex", json={"collection": "shop"}, timeout=60)
        following = f"{server.url}{job.headers['location']}/events"
        with httpx.stream("GET", following, timeout=60) as stream:
            assert in_flight(server.url) == 2
            for process in serving_processes(server):
                process.kill()
            with pytest.raises(httpx.TransportError):
                stream.read()
        assert in_flight(server.url) == 1


@pytest.mark.promise("P5", "a serving process that is stopped")
def test_a_serving_process_that_hangs_keeps_nobody_waiting_and_another_takes_its_place(
    tmp_path: Path,
) -> None:
    with started(tmp_path, "workers=2") as server:
        httpx.post(f"{server.url}/collections", json={"name": "shop"}, timeout=60)
        stopped = serving_processes(server)[0]
        stopped.suspend()
        while stopped.is_running():
            answer = httpx.post(f"{server.url}/search", json=SEARCH, timeout=60)
            assert answer.status_code == 200
        until = time.monotonic() + 60
        while len(serving_processes(server)) < 2:
            assert time.monotonic() < until
        assert stopped.pid not in {process.pid for process in serving_processes(server)}
        assert server.stop() == 0


def test_nothing_outlives_a_server_that_was_killed(tmp_path: Path) -> None:
    with started(tmp_path, "workers=2") as server:
        httpx.get(f"{server.url}/livez", timeout=60).raise_for_status()
        processes = serving_processes(server)
        server.popen.kill()
        assert psutil.wait_procs(processes, timeout=60)[1] == []
        assert not listens(server.url)


def serving_processes(server: Process) -> list[psutil.Process]:
    """Those that answer for it; another child of Python's own keeps count of semaphores."""
    children = psutil.Process(server.popen.pid).children()
    return [child for child in children if "spawn_main" in _command(child)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""  # it has ended


def in_flight(url: str) -> float:
    """What a scrape tells, which is in flight itself."""
    text = httpx.get(f"{url}/metrics", timeout=60).raise_for_status().text
    (line,) = re.findall(r"^molt_requests_in_flight (.*)$", text, re.MULTILINE)
    return float(line)


def test_what_is_logged_is_json_with_the_id_of_the_request(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        httpx.get(f"{server.url}/livez", headers={"X-Request-ID": "r1"}).raise_for_status()
        server.stop()
        lines = [line for line in server.log() if line["event"] == "request"]
    assert lines[0]["request_id"] == "r1"
    assert (lines[0]["route"], lines[0]["status"]) == ("/livez", 200)


def test_the_demo_tells_people_to_wait_for_a_line_that_is_logged(tmp_path: Path) -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    (awaited,) = re.findall(r"As soon as \\`([\w.]+)\\` is said", recipe)
    with started(tmp_path) as server:
        assert server.listening["event"] == awaited
        httpx.get(f"{server.url}/readyz").raise_for_status()


@pytest.mark.parametrize(
    "request_line", [b"GET /\xff HTTP/1.1", b"\x00\x01\x02", b"GET / HTTP/9.9"]
)
def test_what_is_not_http_is_refused_and_the_server_lives(
    tmp_path_factory: pytest.TempPathFactory, request_line: bytes
) -> None:
    with started(tmp_path_factory.mktemp("home")) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(request_line + b"\r\nHost: x\r\n\r\n")
            assert re.match(rb"HTTP/1\.1 4\d\d ", connection.recv(4096))
        assert httpx.get(f"{server.url}/livez").status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_cannot_start_says_why_and_fails(tmp_path: Path, workers: int) -> None:
    (tmp_path / "catalog.sqlite3").write_bytes(b"not a database" * 100)
    with started(tmp_path, f"workers={workers}") as server:
        assert server.popen.wait(60) not in {0, -signal.SIGKILL}
        assert "is not an SQLite database" in server.text()


def test_an_idle_connection_is_kept_for_as_long_as_the_guide_says(tmp_path: Path) -> None:
    guide = (DOCS / "operations.md").read_text()
    (seconds,) = re.findall(r"Molt closes them after (\d+) s", guide)
    assert _config(load_settings(home=tmp_path), FastAPI).timeout_keep_alive == int(seconds)
