"""Traffic: clients that search and clients that write, at once, and remember what they saw.

Every answer is kept with the moment at which it came. Judges nothing but whether a document that
was acknowledged as searchable is found.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class Seen:
    """One answer of `/search`: when it came, how long it took, and what it said."""

    at: float
    seconds: float
    query: str
    generation: str
    checkpoint: str
    scores: dict[str, float]


@dataclass
class Traffic:
    """What goes on: `seen` and `failures` grow until `stopping` is set.

    A searcher waits for `think` seconds between an answer and its next search, a writer for
    `pause`.
    """

    port: int
    collection: str
    queries: Sequence[str]
    texts: Sequence[str]
    seed: int = 0
    think: float = 0.0
    pause: float = 0.02
    seen: list[Seen] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    visible: dict[str, str] = field(default_factory=dict)
    written: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, *, searchers: int, writers: int) -> None:
        """Search and write until `stopping`."""
        chance = random.Random(self.seed)
        share = len(self.texts) // max(1, writers)
        async with asyncio.TaskGroup() as group:
            for _ in range(searchers):
                group.create_task(self._search_on(random.Random(chance.random())))
            for number in range(writers):
                texts = self.texts[number * share : (number + 1) * share]
                group.create_task(self._write_on(f"w{number}", texts))

    async def _search_on(self, chance: random.Random) -> None:
        connection = Connection(self.port)
        while not self.stopping.is_set():
            wanted = None
            if self.visible and chance.random() < 0.2:
                wanted, query = chance.choice(list(self.visible.items()))
            else:
                query = chance.choice(self.queries)
            body = {
                "query": query,
                "collection": self.collection,
                "k": 10,
                "mode": "dense",
                "include": [],
            }
            began = time.perf_counter()
            status, answer = await connection.ask("POST", "/search", body)
            now = time.perf_counter()
            if status != 200:
                self.failures.append(f"search {status}: {answer}")
                continue
            scores = {hit["id"]: hit["score"] for hit in answer["hits"]}
            found = (answer["generation"], answer["checkpoint"], scores)
            self.seen.append(Seen(now, now - began, query, *found))
            if wanted is not None and wanted not in scores and self.visible.get(wanted) == query:
                self.missing.append(f"{wanted} not in {answer['generation']} at {now:.3f}")
            if self.think:
                await asyncio.sleep(self.think * chance.uniform(0.5, 1.5))
        await connection.close()

    async def _write_on(self, name: str, texts: Sequence[str]) -> None:
        """Add documents one by one; every tenth time delete an earlier one, too."""
        connection = Connection(self.port)
        path = f"/collections/{self.collection}/documents"
        mine: list[str] = []
        for number, text in enumerate(texts):
            if self.stopping.is_set():
                break
            doc_id = f"{name}-{number}"
            document = {"id": doc_id, "text": text}
            status, answer = await connection.ask(
                "POST", path, {"documents": [document], "wait": True}
            )
            if status != 200:
                self.failures.append(f"write {status}: {answer}")
            elif answer["indexed"]:
                self.visible[doc_id] = text
                mine.append(doc_id)
                self.written += 1
            if number % 10 == 9 and mine:
                gone = mine.pop(0)
                del self.visible[gone]
                status, answer = await connection.ask("DELETE", f"{path}/{gone}")
                if status != 200:
                    self.failures.append(f"delete {status}: {answer}")
            await asyncio.sleep(self.pause)
        await connection.close()


class Connection:
    """One HTTP/1.1 connection that stays open; for JSON both ways."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of the answer; 0 and why where the connection broke."""
        content = b"" if body is None else orjson.dumps(body)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(head.encode() + content)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            at = answer.index(b"content-length:") + 15
            length = int(answer[at : answer.index(b"\r\n", at)])
            payload = await reader.readexactly(length)
        except (OSError, EOFError, ValueError, asyncio.IncompleteReadError) as error:
            await self.close()
            return 0, repr(error)
        return int(answer[9:12]), json.loads(payload) if payload else None

    async def close(self) -> None:
        """Close it; the next question opens another."""
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
