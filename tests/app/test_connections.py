"""What connections cost a real server: heads, slow clients, and those who go away."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.app.serving import BOOTS, Process, started
from tests.server import MOLT
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P5", "heads without end, slow clients, too many connections")

SOON = 60.0
MIB = 2**20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server with a collection, which gives heads two seconds."""
    with started(tmp_path_factory.mktemp("home"), MOLT_LIMITS__HEAD_SECONDS="2") as server:
        yield server


@contextmanager
def connected(server: Process, *said: bytes) -> Iterator[socket.socket]:
    where = urlsplit(server.url)
    with closing(socket.create_connection((where.hostname, where.port), timeout=SOON)) as made:
        for piece in said:
            made.sendall(piece)
        yield made


def answered(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and JSON of an answer that ends with the connection."""
    content = b""
    while piece := connection.recv(65_536):
        content += piece
    head, _, body = content.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def is_cut_off(connection: socket.socket, piece: bytes) -> bool:
    """Does the server end it before it was sent 100 MB?"""
    try:
        for _ in range(100 * MIB // len(piece)):
            connection.sendall(piece)
    except OSError:
        return True
    return False


def memory(server: Process) -> int:
    return int(psutil.Process(server.popen.pid).memory_info().rss)


def counted(server: Process, series: str) -> float:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(series))


HEAD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "piece",
    [
        b"".join(b"X%05d: %s\r\n" % (number, b"a" * 990) for number in range(1000)),
        b"a" * MIB,
        b"X: 1\r\n" * 150_000,
    ],
    ids=["many headers", "one header", "short headers"],
)
def test_a_head_without_end_is_refused_and_costs_no_memory(server: Process, piece: bytes) -> None:
    refused = 'molt_connections_refused_total{reason="head_too_large"}'
    before, former = memory(server), counted(server, refused)
    with connected(server, HEAD, b"" if b"\r\n" in piece else b"X: ") as connection:
        assert is_cut_off(connection, piece)
    assert counted(server, refused) == former + 1
    assert memory(server) - before < 50 * MIB
    assert httpx.get(f"{server.url}/livez").status_code == 200


@pytest.mark.parametrize(
    "headers", [b"X: 1\r\n" * 101, b"X: " + b"a" * 40_000 + b"\r\n"], ids=["many", "long"]
)
def test_a_head_beyond_its_limits_is_told_so(server: Process, headers: bytes) -> None:
    before = counted(server, 'molt_connections_refused_total{reason="head_too_large"}')
    with connected(server, HEAD + headers + b"\r\n") as connection:
        status, problem = answered(connection)
    assert (status, problem["type"]) == (431, "urn:molt:problem:head_too_large")
    assert "limits.max_headers" in problem["detail"]
    after = counted(server, 'molt_connections_refused_total{reason="head_too_large"}')
    assert after == before + 1


def test_a_browser_whose_head_is_too_large_is_told_so_on_a_page(server: Process) -> None:
    head = HEAD + b"Accept: text/html,*/*;q=0.8\r\nCookie: " + b"a" * 40_000 + b"\r\n\r\n"
    with connected(server, head) as connection:
        connection.settimeout(10)
        content = b"".join(iter(lambda: connection.recv(65536), b""))
    start, _, page = content.partition(b"\r\n\r\n")
    assert start.startswith(b"HTTP/1.1 431 ")
    assert b"content-type: text/html" in start
    assert b"content-security-policy: " in start
    assert b"delete the cookies of this address" in page


def test_a_url_beyond_the_limit_is_refused_too(server: Process) -> None:
    with connected(server, b"GET /search?q=" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n") as connection:
        assert answered(connection)[0] == 431


def test_trailers_without_end_are_refused(server: Process) -> None:
    before = memory(server)
    request = b"POST /search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(server, request, b"1\r\n{\r\n0\r\nX: ") as connection:
        assert is_cut_off(connection, b"a" * MIB)
    assert memory(server) - before < 50 * MIB


def test_what_is_no_http_is_told_so(server: Process) -> None:
    with connected(server, b"HELO there\r\n\r\n") as connection:
        status, problem = answered(connection)
    assert (status, problem["type"]) == (400, "urn:molt:problem:invalid_http")


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/collections/größe", 404, "größe"),
        ("/collections/größe/documents/日本", 404, "größe"),
        ("/search?q=café&collection=schöner", 404, "schöner"),
        ("/search?q=caf\udce9", 422, "UTF-8"),
    ],
)
def test_what_is_not_ascii_in_a_url_may_be_sent_as_it_is(
    server: Process, target: str, status: int, said: str
) -> None:
    line = f"GET {target} HTTP/1.1\r\n".encode(errors="surrogateescape")
    rest = b"Host: localhost\r\nConnection: close\r\n\r\n"
    for pieces in ((line + rest,), (line[:-14], line[-14:] + rest)):
        with connected(server, *pieces) as connection:
            found, problem = answered(connection)
        assert found == status
        assert said in problem["detail"]


def test_bytes_of_a_body_are_not_taken_for_those_of_a_url(server: Process) -> None:
    body = json.dumps({"query": "é", "collection": "größe"}, ensure_ascii=False).encode()
    with connected(server, post("/search", body), HEAD + b"Connection: close\r\n\r\n") as made:
        content = made.recv(65_536)
        while piece := made.recv(65_536):
            content += piece
    assert "größe" in content.decode()
    assert content.count(b"HTTP/1.1 ") == 2


def test_head_leaves_the_connection_as_it_was(server: Process) -> None:
    with connected(server, b"HEAD" + HEAD[3:] + b"\r\n") as connection:
        head = connection.recv(65_536)
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        status, _ = answered(connection)
    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n")
    assert b"content-length: " in head
    assert status == 200


def test_a_slow_head_and_a_silent_connection_are_ended(server: Process) -> None:
    with connected(server, HEAD) as slow, connected(server) as silent:
        status, problem = answered(slow)
        assert silent.recv(1) == b""
    assert (status, problem["type"]) == (408, "urn:molt:problem:slow_request")


def test_connections_beyond_the_limit_take_the_place_of_idle_ones(tmp_path: Path) -> None:
    with started(tmp_path, MOLT_LIMITS__MAX_CONNECTIONS="8") as server:
        where = urlsplit(server.url)
        made = [socket.create_connection((where.hostname, where.port)) for _ in range(30)]
        try:
            for _ in range(3):
                assert httpx.get(f"{server.url}/livez").status_code == 200
            assert counted(server, "molt_connections ") <= 8
        finally:
            for connection in made:
                connection.close()


FEW_FILES = ("bash", "-c", 'ulimit -Sn 100 && ulimit -Hn 420 && exec "$@"', "bash")


def test_however_many_connect_the_server_can_open_files_of_its_own(tmp_path: Path) -> None:
    """It is begun with fewer files than it may open: 100 of 420."""
    with started(tmp_path, prefix=FEW_FILES) as server, ExitStack() as crowd:
        assert httpx.get(f"{server.url}/livez", timeout=SOON).status_code == 200
        assert psutil.Process(server.popen.pid).rlimit(psutil.RLIMIT_NOFILE) == (420, 420)
        for _ in range(9):  # whoever all come at once are accepted before others have gone
            for _ in range(50):
                crowd.enter_context(connected(server))
            assert counted(server, "molt_connections ") <= 210
        made = httpx.post(f"{server.url}/collections", json={"name": "shop"}, timeout=SOON)
        assert made.status_code == 201
        path = f"{server.url}/collections/shop/documents"
        assert httpx.post(path, json={"documents": BOOTS}, timeout=SOON).json()["indexed"] is True
        assert httpx.get(f"{server.url}/admin/jobs", timeout=SOON).status_code == 200


def test_hundreds_that_come_at_one_moment_are_all_answered_where_few_files_may_be_open(
    tmp_path: Path,
) -> None:
    """Without a descriptor for each of them libuv would reset some before anybody sees them."""
    with started(tmp_path, prefix=FEW_FILES) as server, ExitStack() as crowd:
        process = psutil.Process(server.popen.pid)
        for _ in range(5):
            for _ in range(50):
                crowd.enter_context(connected(server))
            assert counted(server, "molt_connections ") <= 210
        for _ in range(3):
            process.suspend()
            request = HEAD + b"Connection: close\r\n\r\n"
            fresh = [crowd.enter_context(connected(server, request)) for _ in range(200)]
            process.resume()
            assert {one.recv(65_536)[:12] for one in fresh} == {b"HTTP/1.1 200"}


def test_where_every_connection_is_at_work_one_more_is_turned_away(tmp_path: Path) -> None:
    with started(tmp_path, MOLT_LIMITS__MAX_CONNECTIONS="4") as server:
        where = urlsplit(server.url)
        made = [socket.create_connection((where.hostname, where.port)) for _ in range(4)]
        try:
            for connection in made:
                connection.sendall(HEAD + b"\r\n" + HEAD)  # a whole request, and one that begins
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
            with connected(server) as late:
                status, problem = answered(late)
            assert (status, problem["type"]) == (429, "urn:molt:problem:overloaded")
        finally:
            for connection in made:
                connection.close()


def test_whoever_closes_its_side_still_gets_its_answer(server: Process) -> None:
    body = json.dumps({"input": ["a text"] * 500, "model": "default"}).encode()
    with connected(server, post("/v1/embeddings", body)) as connection:
        connection.shutdown(socket.SHUT_WR)
        content = b""
        while piece := connection.recv(65_536):
            content += piece
    assert content.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").startswith(b"HTTP/1.1 200")


def post(path: str, body: bytes) -> bytes:
    """A request as it is sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_large_pages_end_early_and_go_on(tmp_path: Path) -> None:
    with (
        started(tmp_path, MOLT_LIMITS__MAX_ANSWER_BYTES="100000") as server,
        httpx.Client(base_url=server.url, timeout=SOON) as client,
    ):
        client.post("/collections", json={"name": "large"})
        documents = [{"id": f"d{n:02}", "text": f"boots {n} " + "x" * 30_000} for n in range(10)]
        client.post("/collections/large/documents", json={"documents": documents})
        seen, after = [], None
        while True:
            given = {"limit": 100} | ({"after": after} if after else {})
            page = client.get("/collections/large/documents", params=given)
            assert len(page.content) < 200_000
            seen += [one["id"] for one in page.json()["documents"]]
            after = page.json()["next"]
            if after is None:
                break
        assert seen == [f"d{n:02}" for n in range(10)]
        found, cursor = [], None
        while True:
            body = {"query": "boots", "collection": "large", "k": 100, "cursor": cursor}
            answer = client.post("/search", json=body)
            assert len(answer.content) < 200_000
            found += [(hit["rank"], hit["id"]) for hit in answer.json()["hits"]]
            cursor = answer.json()["cursor"]
            if cursor is None:
                break
        assert [rank for rank, _ in found] == list(range(1, 11))
        assert {doc_id for _, doc_id in found} == set(seen)


def test_answers_that_nobody_reads_are_bounded(tmp_path: Path) -> None:
    with started(tmp_path, MOLT_LIMITS__MAX_ANSWER_BYTES_IN_FLIGHT=str(16 * MIB)) as server:
        httpx.post(f"{server.url}/collections", json={"name": "large"})
        for number in range(9):
            documents = [{"id": f"d{number}", "text": "x" * 999_000}]
            body = {"documents": documents, "wait": False}
            httpx.post(f"{server.url}/collections/large/documents", json=body, timeout=SOON)
        before, where = memory(server), urlsplit(server.url)
        request = b"GET /collections/large/documents?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        made = []
        try:
            for _ in range(20):
                one = socket.socket()
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.connect((where.hostname, where.port))
                one.sendall(request)
                made.append(one)
            refused = 'molt_overload_refusals_total{where="answers"}'
            wait_until(lambda: counted(server, refused) >= 18)
            assert memory(server) - before < 200 * MIB
            assert httpx.get(f"{server.url}/livez").status_code == 200
        finally:
            for one in made:
                one.close()
        body = {"documents": BOOTS, "wait": False}
        answer = httpx.post(f"{server.url}/collections/large/documents", json=body, timeout=SOON)
        assert answer.status_code == 200


@pytest.fixture(scope="module")
def slow_home(tmp_path_factory: pytest.TempPathFactory, default_checkpoint: Path) -> Path:
    """A home with a real encoder, which takes its time."""
    home = tmp_path_factory.mktemp("slow")
    command = [MOLT, "--home", home, "checkpoints", "add", default_checkpoint]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return home


def test_texts_of_a_client_that_went_away_are_not_encoded(
    slow_home: Path, default_checkpoint: Path
) -> None:
    """Minutes of work for a real encoder, which nobody waits for."""
    with started(slow_home, MOLT_ENCODER__THREADS="1") as other:
        model = default_checkpoint.name
        texts = [f"a text {'of many words ' * 60} {number}" for number in range(512)]
        body = json.dumps({"input": texts, "model": model}).encode()
        one = json.dumps({"input": "a query", "model": model}).encode()
        for _ in range(8):
            with connected(other, post("/v1/embeddings", body)):
                pass
        wait_until(lambda: counted(other, 'molt_requests_pending{bulkhead="bulk"}') == 0)
        with connected(other, post("/v1/embeddings", one)) as connection:
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        assert other.stop() == 0


def test_a_server_with_much_to_encode_stops_soon_and_tells_who_waits(
    slow_home: Path, default_checkpoint: Path
) -> None:
    limits = {"MOLT_ENCODER__THREADS": "1", "MOLT_LIMITS__WAIT_SECONDS": "0.1"}
    with started(slow_home, **limits) as server:
        texts = [f"a text {'of many words ' * 60} {number}" for number in range(512)]
        body = json.dumps({"input": texts, "model": default_checkpoint.name}).encode()
        with ExitStack() as waiting:
            asked = [
                waiting.enter_context(connected(server, post("/v1/embeddings", body)))
                for _ in range(20)
            ]
            wait_until(lambda: counted(server, 'molt_requests_pending{bulkhead="bulk"}') > 10)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 60  # where all of it would take minutes
            told = [answered(connection) for connection in asked]
    assert {status for status, _ in told} <= {200, 503}
    refused = [answer["error"] for status, answer in told if status == 503]
    assert refused
    assert {(error["code"], error["type"]) for error in refused} == {("stopping", "server_error")}


def test_a_stream_that_goes_on_when_the_server_stops_is_told_how_far_it_came(
    tmp_path: Path,
) -> None:
    line = b'{"id": "d", "text": "boots"}\n'
    with started(tmp_path, MOLT_LIMITS__WAIT_SECONDS="0.1") as server:
        httpx.post(f"{server.url}/collections", json={"name": "endless"})
        head = b"POST /collections/endless/documents?wait=false HTTP/1.1\r\nHost: localhost\r\n"
        head += b"Content-Type: application/x-ndjson\r\nContent-Length: 1000000000\r\n\r\n"
        with connected(server, head, line * 1_700) as stream:
            wait_until(
                lambda: httpx.get(f"{server.url}/collections/endless").json()["revision"] > 0
            )
            server.stop()
            status, problem = answered(stream)
    assert (status, problem["type"]) == (503, "urn:molt:problem:stopping")
    assert 500 <= problem["accepted"] <= 1_700
    assert f"{problem['accepted']} documents" in problem["detail"]
