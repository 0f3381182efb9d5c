"""Nobody notices a swap: the short form of `benchmarks.swaps`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.swaps import disagreements
from benchmarks.traffic import Connection, Traffic
from molt.encoder import Prompts
from tests.checkpoints import build_checkpoint, twin
from tests.server import ServerProcess, make_home, molt
from tests.walks import shortened

pytestmark = pytest.mark.promise("P2", "swaps under clients that search and write")

SWAPS = 12
WORDS = ("boots", "tent", "rope", "stove", "lamp", "map", "knife", "bag", "coat", "gloves")


@pytest.fixture(params=shortened(["tiny", "default"]))
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One that is swapped in no time; in a walk the one that everybody begins with."""
    if request.param == "tiny":
        return build_checkpoint(tmp_path / "made", max_length=64).path
    return Path(request.getfixturevalue("default_checkpoint"))


@pytest.fixture
def server(tmp_path: Path, checkpoint: Path) -> Iterator[ServerProcess]:
    home = make_home(tmp_path / "home", checkpoint)
    with ServerProcess(home) as server:
        yield server


def generations_of(server: ServerProcess) -> list[str]:
    """Two generations of one collection, under two checkpoints."""
    assert server.ask("POST", "/collections", {"name": "shop"})[0] == 201
    documents = [
        {"id": f"{one}-{other}", "text": f"{one} to go with {other}"}
        for one in WORDS
        for other in WORDS
    ]
    body = {"documents": documents, "wait": True}
    assert server.ask("POST", "/collections/shop/documents", body)[1]["indexed"]
    first = server.ask("GET", "/collections/shop")[1]
    other = twin(
        server.home / "checkpoints" / first["checkpoint"],
        prompts=Prompts("in a shop: ", "in a shop: "),
    )
    assert molt("--home", server.home, "reload", "shop", other).returncode == 0
    second = server.ask("GET", "/collections/shop")[1]
    return [first["generation"], second["generation"]]


async def swap(server: ServerProcess, traffic: Traffic, generations: list[str]) -> None:
    going = asyncio.create_task(traffic.run(searchers=8, writers=2))
    control = Connection(server.port)
    for number in range(SWAPS):
        body = {"generation": generations[number % 2]}
        status, answer = await control.ask("POST", "/admin/activate", body)
        assert status == 200, answer
        await asyncio.sleep(0.2)
    traffic.stopping.set()
    await going
    await control.close()


def test_no_request_fails_and_every_answer_is_of_one_pair_while_pointers_move(
    server: ServerProcess,
) -> None:
    generations = generations_of(server)
    queries = [f"{one} and {other}" for one in WORDS for other in WORDS]
    texts = [f"new {one} without {other} number {n}" for n, (one, other) in enumerate(_pairs())]
    traffic = Traffic(server.port, "shop", queries, texts)
    asyncio.run(swap(server, traffic, generations))
    assert traffic.failures == []
    assert traffic.missing == []
    assert {each.generation for each in traffic.seen} == set(generations)
    assert disagreements(server, server.home, traffic) == []  # type: ignore[arg-type]
    assert traffic.written > 0


def _pairs() -> list[tuple[str, str]]:
    return [(one, other) for one in WORDS for other in WORDS] * 5
