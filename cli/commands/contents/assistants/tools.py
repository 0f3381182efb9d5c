"""Tools by which a language model reads a running Molt, over the Model Context Protocol.

They only read. What a server refuses is told to the model as the tool's error, so that it can ask
otherwise.
"""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from molt import __version__
from molt.cli.commands.contents.assistants.remote import RemoteError, RemoteServer

_MOST = 50
_READING = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

_Collection = Annotated[str | None, Field(description="The collection; left out, the usual one.")]
_Condition = Annotated[
    dict[str, Any] | None,
    Field(
        description='A filter by metadata, such as {"field": "price", "lt": 50}; several as '
        '{"all": [...]} or {"any": [...]}, an exception as {"not": {...}}.'
    ),
]
_Mode = Annotated[
    Literal["hybrid", "dense", "lexical"],
    Field(description="By meaning and words, by meaning alone, or by words alone."),
]


class ReadingTools:
    """The tools, of one server; `collection` is the one that is meant where none is named."""

    def __init__(self, server: RemoteServer, *, collection: str) -> None:
        self._server = server
        self._collection = collection

    def search(
        self,
        query: str,
        collection: _Collection = None,
        k: Annotated[int, Field(ge=1, le=_MOST, description="How many documents.")] = 5,
        filter: _Condition = None,  # noqa: A002  as the API calls it
        mode: _Mode = "hybrid",
    ) -> dict[str, Any]:
        """Find the documents of a collection that answer a query best, the best one first."""
        answer = self._searched(query, collection, k=k, mode=mode, filter=filter, highlight=True)
        shown = ("id", "score", "title", "text", "metadata", "highlights")
        hits = [{name: hit[name] for name in shown} for hit in answer["hits"]]
        return {"total": answer["total"], "hits": hits, "warnings": answer["warnings"]}

    def get_document(self, id: str, collection: _Collection = None) -> dict[str, Any]:  # noqa: A002
        """Read one document of a collection whole, with its metadata."""
        name = quote(collection or self._collection, safe="")
        return self._ask(f"/collections/{name}/documents/{quote(id, safe='')}")

    def explain(
        self,
        query: str,
        collection: _Collection = None,
        document_id: Annotated[
            str | None, Field(description="Explain this document, and not the best ones.")
        ] = None,
        k: Annotated[int, Field(ge=1, le=10, description="How many documents.")] = 3,
        mode: _Mode = "hybrid",
    ) -> dict[str, Any]:
        """Tell which words of a query and of documents make up the documents' scores."""
        only = None if document_id is None else {"field": "id", "eq": document_id}
        answer = self._searched(query, collection, k=k, mode=mode, filter=only, explain=True)
        shown = ("id", "score", "title", "scores", "explanation")
        hits = [{name: hit[name] for name in shown} for hit in answer["hits"]]
        return {"search": answer["search"], "hits": hits}

    def collections(self) -> dict[str, Any]:
        """List the collections, with how many documents each holds."""
        found = self._ask("/collections")["collections"]
        return {
            "collections": [{name: one[name] for name in ("name", "documents")} for one in found]
        }

    def _searched(self, query: str, collection: str | None, **more: Any) -> dict[str, Any]:
        body = {"query": query, "collection": collection or self._collection, **more}
        return self._ask("/search", body)

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return self._server.ask(path, body)
        except RemoteError as error:
            raise ToolError(str(error)) from error


def tools_server(server: RemoteServer, *, collection: str) -> MCPServer[Any]:
    """The protocol's server, which offers the tools."""
    tools = ReadingTools(server, collection=collection)
    offered: MCPServer[Any] = MCPServer(
        "molt", version=__version__, log_level="WARNING", instructions=_instructions(collection)
    )
    for tool in (tools.search, tools.get_document, tools.explain, tools.collections):
        offered.tool(annotations=_READING, structured_output=True)(tool)
    return offered


def _instructions(collection: str) -> str:
    return (
        "Search documents by what they mean and by their words, and read them. "
        f"Where no collection is named, {collection!r} is meant; `collections` lists all of them."
    )
