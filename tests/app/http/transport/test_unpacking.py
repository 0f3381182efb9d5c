"""Bodies with a Content-Encoding: as if they had none, within the same limits."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from backports import zstd
from starlette.testclient import TestClient

from molt.app.http.admission import OverloadedError
from molt.app.http.bodies import SMALL_BYTES, BodyBudget
from molt.app.http.transport.codings import ZSTD_WINDOW, CodingError, unpacker_of
from tests.app.serving import service_of, serving

MIB = 2**20
DOCUMENTS = "/collections/default/documents"


def deflate_raw(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def in_members(content: bytes) -> bytes:
    half = len(content) // 2
    return gzip.compress(content[:half]) + gzip.compress(b"") + gzip.compress(content[half:])


def in_frames(content: bytes) -> bytes:
    half = len(content) // 2
    skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    return zstd.compress(content[:half]) + skipped + zstd.compress(content[half:])


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip by its old name": ("x-gzip", gzip.compress),
    "gzip in members": ("gzip", in_members),
    "zstd": ("zstd", zstd.compress),
    "zstd in frames": ("zstd", in_frames),
    "deflate in zlib's wrapping": ("deflate", zlib.compress),
    "deflate without": ("deflate", deflate_raw),
}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service that takes bodies of 1 MiB."""
    home = tmp_path_factory.mktemp("home")
    with serving(home, limits={"max_body_bytes": MIB}, index={"seal": False}) as client:
        client.post("/collections", json={"name": "default"}).raise_for_status()
        yield client
        assert service_of(client).bodies.in_flight == 0


def send(client: TestClient, content: bytes, coding: str, kind: str = "json") -> Any:
    headers = {"Content-Type": f"application/{kind}", "Content-Encoding": coding}
    return client.post(DOCUMENTS, content=content, headers=headers, params={"wait": False})


def documents(count: int, words: int = 20) -> list[dict[str, str]]:
    chance = Random(3)
    return [
        {"id": f"d{at}", "text": " ".join(f"{chance.randrange(10**6):x}" for _ in range(words))}
        for at in range(count)
    ]


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_body_is_read_as_if_it_were_plain(tight: TestClient, name: str) -> None:
    coding, pack = PACKED[name]
    for count in (1, 1000):
        body = json.dumps({"documents": documents(count), "wait": False}).encode()
        answer = send(tight, pack(body), coding)
        assert (answer.status_code, answer.json()["accepted"]) == (200, count), answer.text


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_stream_of_lines_is_kept_while_it_arrives(tight: TestClient, name: str) -> None:
    coding, pack = PACKED[name]
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in documents(1234))
    content = pack(lines)
    chunks = (content[at : at + 999] for at in range(0, len(content), 999))
    answer = send(tight, chunks, coding, "x-ndjson")  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1234), answer.text


def test_any_route_takes_a_packed_body(shop: TestClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    body = gzip.compress(b'{"query": "boots"}')
    assert shop.post("/search", content=body, headers=headers).json()["hits"][0]["id"] == "d1"


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "compress", "x" * 1000])
def test_another_coding_is_refused_with_those_that_are_taken(shop: TestClient, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = shop.post("/search", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip, zstd, deflate"


@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
@pytest.mark.parametrize("kind", ["json", "x-ndjson"])
def test_a_bomb_is_refused_before_it_has_unfolded(
    tight: TestClient, coding: str, kind: str
) -> None:
    pack = {"gzip": gzip.compress, "zstd": zstd.compress, "deflate": zlib.compress}[coding]
    answer = send(tight, pack((b" " * 1023 + b"\n") * 48 * 1024), coding, kind)
    assert answer.status_code == 413
    assert "limits." in answer.json()["detail"]


def test_a_bomb_of_blank_lines_takes_nothing_from_the_lines_before_it(tight: TestClient) -> None:
    lines = b'{"id": "kept", "text": "boots"}\n' + b"\n" * 16 * MIB
    answer = send(tight, gzip.compress(lines), "gzip", "x-ndjson")
    assert (answer.status_code, answer.json()["accepted"]) == (413, 1)
    assert tight.get(f"{DOCUMENTS}/kept").status_code == 200


def test_empty_members_without_end_cost_no_time_of_others(tight: TestClient) -> None:
    answer = send(tight, gzip.compress(b"") * 20_000, "gzip", "x-ndjson")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)


def test_a_stream_may_be_larger_than_a_body_where_it_is_no_bomb(tight: TestClient) -> None:
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in documents(900, words=250))
    assert len(lines) > MIB
    answer = send(tight, gzip.compress(lines), "gzip", "x-ndjson")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 900)


def zstd_checked(content: bytes) -> bytes:
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


BODY = json.dumps({"documents": documents(50)}).encode()


@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
@pytest.mark.parametrize("name", ["cut off", "plain", "flipped", "followed"])
def test_what_is_not_packed_as_it_says_is_refused(
    tight: TestClient, coding: str, name: str
) -> None:
    pack = {"gzip": gzip.compress, "zstd": zstd_checked, "deflate": zlib.compress}[coding]
    whole = pack(BODY)
    middle = len(whole) // 2
    damaged = {
        "cut off": whole[:middle],
        "plain": BODY,
        "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) * 4 + whole[middle + 4 :],
        "followed": whole + b"and then some",
    }[name]
    answer = send(tight, damaged, coding)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:molt:problem:invalid_coding"
    assert coding in answer.json()["detail"]


def test_a_stream_that_breaks_off_keeps_its_whole_lines_and_says_how_many(
    tight: TestClient,
) -> None:
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in documents(600, words=40))
    packed = gzip.compress(lines)
    answer = send(tight, packed[: len(packed) * 3 // 4], "gzip", "x-ndjson")
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "urn:molt:problem:invalid_coding")
    assert 300 < problem["accepted"] < 600
    assert f"documents accepted before: {problem['accepted']}" in problem["detail"]


def test_a_body_of_nothing_is_nothing_in_any_coding(tight: TestClient) -> None:
    assert send(tight, b"", "gzip", "x-ndjson").json()["accepted"] == 0
    assert send(tight, b"", "zstd").status_code == 422


def test_what_unpacking_zstd_holds_is_counted_with_large_bodies(tmp_path: Path) -> None:
    room = {"max_bytes_in_flight": ZSTD_WINDOW // 2}
    body = json.dumps({"documents": documents(900), "wait": False}).encode()
    assert SMALL_BYTES < len(body) < room["max_bytes_in_flight"]
    with serving(tmp_path, limits=room, index={"seal": False}) as client:
        client.post("/collections", json={"name": "default"})
        assert send(client, zstd.compress(body), "zstd").status_code == 429
        assert send(client, gzip.compress(body), "gzip").status_code == 200


def test_what_is_held_beside_a_body_is_given_back_with_it() -> None:
    budget = BodyBudget(10 * SMALL_BYTES)
    with budget.share() as share:
        share.hold_beside(4 * SMALL_BYTES)
        share.resize(6 * SMALL_BYTES)
        with pytest.raises(OverloadedError):
            share.hold_beside(5 * SMALL_BYTES)
        assert budget.in_flight == 10 * SMALL_BYTES
    assert budget.in_flight == 0


@pytest.mark.parametrize("name", PACKED)
def test_a_step_never_gives_more_than_it_may(name: str) -> None:
    coding, pack = PACKED[name]
    content, unpacker = b"boots " * 5000, unpacker_of(coding)
    assert unpacker is not None
    found = []
    packed = pack(content)
    for at in range(len(packed)):
        unpacker.feed(packed[at : at + 1])
        while not unpacker.is_waiting:
            found.append(unpacker.step(100))
    assert unpacker.is_whole
    assert b"".join(found) == content
    assert max(map(len, found)) == 100


def test_a_window_that_would_cost_too_much_memory_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=options)
    unpacker = unpacker_of("zstd")
    assert unpacker is not None
    unpacker.feed(packer.compress(b"a" * 1000) + packer.flush())
    with pytest.raises(CodingError):
        unpacker.step(100)
