"""The crowd: clients that write, search and embed until they are told to stop.

Each says what it asks for to the oracle, and notes every answer that may not be.
"""

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tests.server import ServerProcess
from tests.soak.answers import Pairs, code_of, documented
from tests.soak.oracle import Oracle, Text
from tests.soak.plan import Episode

COLLECTION = "soak"
DOCUMENTS = f"/collections/{COLLECTION}/documents"
WORDS = ("amber", "brook", "cedar", "dune", "ember", "fjord", "grove", "harbour", "islet", "kelp")
MODES = ("hybrid", "dense", "lexical")
NOTHING_KEPT = frozenset({408, 413, 429, 507})
"""Statuses that say that nothing of the request was kept."""
_BROKEN = (OSError, http.client.HTTPException)
_MOST_OWN = 150
_TIMEOUT = 60.0


@dataclass
class Notes:
    """What the clients of one episode saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


class Crowd:
    """Clients of one episode, at work between `__enter__` and `__exit__`."""

    def __init__(
        self, server: ServerProcess, oracle: Oracle, pairs: Pairs, episode: Episode
    ) -> None:
        self.notes = Notes()
        self._server = server
        self._oracle = oracle
        self._pairs = pairs
        self._episode = episode
        self._known = documented()
        self._stopping = threading.Event()
        work = {f"w{n}": self._write for n in range(3)} | {f"s{n}": self._search for n in range(3)}
        work["embedder"] = self._embed
        self._threads = [
            threading.Thread(target=self._go_on, args=(name, one), name=name, daemon=True)
            for name, one in work.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def ask(
        self, who: str, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        """One request; status 0 where the connection broke. What may not be is noted."""
        try:
            status, answer = self._sent(method, path, body, **options)
        except _BROKEN as error:
            self.notes.statuses[f"{who} {type(error).__name__}"] += 1
            if isinstance(error, TimeoutError):
                self.note(f"{method} {path} was not answered in {_TIMEOUT:g} s")
            elif not self._episode.kind.interrupts:
                self.note(f"{method} {path} broke off: {error!r}")
            self._stopping.wait(0.05)
            return 0, {}
        self.notes.statuses[f"{who} {status}"] += 1
        if status >= 400:
            self._judge(f"{method} {path.partition('?')[0]}", status, answer)
            self._stopping.wait(0.02)
        return status, answer

    def note(self, what: str) -> None:
        """Something that may not be."""
        self.notes.findings.append(what)

    def _sent(self, method: str, path: str, body: Any, *, lines: bool = False) -> tuple[int, Any]:
        kind = "application/x-ndjson" if lines else "application/json"
        content = body if lines or body is None else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=_TIMEOUT)
        try:
            connection.request(method, path, content, {"Content-Type": kind})
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(read) if read else {}
        except ValueError:
            self.note(f"{method} {path} answered {answer.status} and no JSON: {read[:200]!r}")
            return answer.status, {}

    def _judge(self, what: str, status: int, answer: Any) -> None:
        code = code_of(answer)
        if (status, code) not in self._known and what.split()[1] != "/v1/embeddings":
            self.note(f"{what} answered {status} {code}, which is not documented: {answer}")
        elif status not in {404, *self._episode.kind.excuses}:
            self.note(f"{what} answered {status} {code} for no reason: {answer}")

    def _go_on(self, name: str, work: Callable[[str, random.Random], None]) -> None:
        chance = random.Random(f"{self._episode.seed}: {name}")
        while not self._stopping.is_set():
            work(name, chance)
            self._stopping.wait(chance.uniform(0.0, 0.03))

    def _write(self, name: str, chance: random.Random) -> None:
        own = [f"{name}-{number}" for number in range(_MOST_OWN)]
        wanted = {doc_id: self._text(chance) for doc_id in chance.sample(own, chance.randint(1, 4))}
        documents = [{"id": doc_id, "text": text} for doc_id, text in wanted.items()]
        way = chance.random()
        if way < 0.2:
            doc_id = next(iter(wanted))
            self._change({doc_id: None}, "DELETE", f"{DOCUMENTS}/{doc_id}")
            return
        if way < 0.4:
            lines = "".join(json.dumps(document) + "\n" for document in documents)
            written = self._change(wanted, "POST", f"{DOCUMENTS}?wait=false", lines, lines=True)
        else:
            body = {"documents": documents, "wait": way < 0.6}
            written = self._change(wanted, "POST", DOCUMENTS, body)
        if written:
            self._read_back(chance.choice(list(wanted)), wanted)

    def _change(
        self, wanted: Mapping[str, Text], method: str, path: str, body: Any = None, **options: Any
    ) -> bool:
        """Ask for a change, and tell the oracle before and after; was it acknowledged?"""
        self._oracle.ask(wanted)
        status, _ = self.ask("write", method, path, body, **options)
        acknowledged = status in {200, 201, 204} or (method, status) == ("DELETE", 404)
        if acknowledged:
            self._oracle.acknowledge(wanted)
        elif status in NOTHING_KEPT:
            self._oracle.refuse(wanted)
        return acknowledged

    def _read_back(self, doc_id: str, written: Mapping[str, str]) -> None:
        """What was just acknowledged can be fetched as it was."""
        status, answer = self.ask("fetch", "GET", f"{DOCUMENTS}/{doc_id}")
        if status == 404 or (status == 200 and answer["text"] != written[doc_id]):
            self.note(f"{doc_id} was acknowledged, and a fetch answers {status} {answer}")

    def _search(self, _name: str, chance: random.Random) -> None:
        query, mode = self._text(chance), chance.choice(MODES)
        body = {"query": query, "collection": COLLECTION, "k": 20, "mode": mode, "include": []}
        status, answer = self.ask("search", "POST", "/search", body)
        if status == 200:
            fault = self._pairs.fault(query, answer)
            if fault is not None:
                self.note(fault)

    def _embed(self, _name: str, chance: random.Random) -> None:
        texts = [self._text(chance) for _ in range(chance.randint(1, 8))]
        status, answer = self.ask(
            "embed", "POST", "/v1/embeddings", {"model": "default", "input": texts}
        )
        if status == 200 and len(answer["data"]) != len(texts):
            self.note(f"{len(texts)} texts have {len(answer['data'])} vectors")
        self._stopping.wait(0.05)

    def _text(self, chance: random.Random) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, 4)))
