"""`molt mcp`: a language model's tools, called by the protocol's own client."""

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters

from molt.cli.commands.contents.assistants.remote import RemoteError, RemoteServer
from molt.cli.commands.contents.assistants.tools import tools_server
from tests.app.serving import BOOTS, Process, started
from tests.paths import ROOT


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("home")) as server:
        httpx.post(f"{server.url}/collections", json={"name": "shop"}).raise_for_status()
        httpx.post(
            f"{server.url}/collections/shop/documents", json={"documents": BOOTS}, timeout=60
        ).raise_for_status()
        yield server


def called(url: str, name: str, **arguments: Any) -> Any:
    """What a tool answers: an object, or the text of its error."""

    async def call() -> Any:
        async with Client(tools_server(RemoteServer(url, None), collection="shop")) as client:
            answer = await client.call_tool(name, arguments)
            return answer.content[0].text if answer.is_error else answer.structured_content

    return asyncio.run(call())


def test_every_tool_only_reads_and_says_what_it_does() -> None:
    async def listed() -> list[Any]:
        offered = tools_server(RemoteServer("http://127.0.0.1:9", None), collection="shop")
        async with Client(offered) as client:
            return list((await client.list_tools()).tools)

    tools = asyncio.run(listed())
    assert [tool.name for tool in tools] == ["search", "get_document", "explain", "collections"]
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert all(len(tool.description) > 30 for tool in tools)


def test_a_model_searches_with_a_filter(server: Process) -> None:
    found = called(server.url, "search", query="warm boots", filter={"field": "price", "lt": 50})
    assert [hit["id"] for hit in found["hits"]] == ["d2"]
    assert found["hits"][0]["metadata"] == {"price": 12}
    by_words = called(server.url, "search", query="boots", mode="lexical", k=1)
    assert by_words["hits"][0]["id"] == "d1"
    assert "<mark>boots</mark>" in by_words["hits"][0]["highlights"][0]


def test_a_model_reads_a_document(server: Process) -> None:
    assert called(server.url, "get_document", id="d3")["text"] == "a tent for two"


def test_a_model_is_told_why(server: Process) -> None:
    best = called(server.url, "explain", query="warm boots", k=1)["hits"][0]
    parts = best["explanation"]["parts"]
    assert sum(parts.values()) == pytest.approx(best["score"], abs=1e-4)
    asked = called(server.url, "explain", query="warm boots", document_id="d3")["hits"]
    assert [hit["id"] for hit in asked] == ["d3"]


def test_a_model_learns_which_collections_there_are(server: Process) -> None:
    found = called(server.url, "collections")["collections"]
    assert {"name": "shop", "documents": 3} in found


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("search", {"query": "boots", "collection": "none"}, "none"),
        ("search", {"query": "boots", "filter": {"field": "colour", "eq": 1}}, "colour"),
        ("get_document", {"id": "d9"}, "d9"),
    ],
)
def test_a_model_is_told_what_is_wrong(
    server: Process, name: str, arguments: dict[str, Any], told: str
) -> None:
    assert told in called(server.url, name, **arguments)


def test_a_server_that_is_away_is_named() -> None:
    assert "no answer from http://127.0.0.1:9" in called(
        "http://127.0.0.1:9", "search", query="boots"
    )


@pytest.mark.parametrize("said", [b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_an_answer_that_is_cut_or_no_http_is_told(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(RemoteError, match=f"no answer from {url}: "):
            RemoteServer(url, None).ask("/collections")
        answering.join(30)
        assert not answering.is_alive()


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(
    monkeypatch: pytest.MonkeyPatch, server: Process
) -> None:
    with pytest.raises(RemoteError, match="405"):
        RemoteServer(server.url, None).ask("/livez", {})


def test_the_command_speaks_the_protocol_over_its_standard_streams(
    server: Process, tmp_path: Path
) -> None:
    arguments = ["-m", "molt", "mcp", "--url", server.url, "--collection", "shop"]
    environment = os.environ | {"MOLT_HOME": str(tmp_path / "none"), "MOLT_API_KEY": "anything"}
    program = StdioServerParameters(
        command=sys.executable, args=arguments, cwd=ROOT, env=environment
    )

    async def call() -> Any:
        async with Client(program) as client:
            return await client.call_tool("search", {"query": "boots", "k": 1})

    answer = asyncio.run(call())
    assert answer.structured_content["hits"][0]["id"] == "d1"
    assert json.loads(answer.content[0].text) == answer.structured_content
    assert not (tmp_path / "none").exists()
