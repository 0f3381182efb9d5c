import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.errors import DocumentNotFoundError
from tests.damage import flaws_of
from tests.walks import shortened

_KILLS = (3, 12)
_BATCH = 7
_WRITER = """
import sys
from molt.index.catalog.catalog import open_catalog
from molt.index.catalog.document import Document
catalog = open_catalog(sys.argv[1])
collection = catalog.collections.get("default")
for batch in range(int(sys.argv[2]), 10**9):
    ids = [f"{batch}-{n}" for n in range(7)] + ["shared"]
    catalog.documents.upsert(collection, [Document(one, f"written by {batch}") for one in ids])
    print(batch, flush=True)
"""


@pytest.mark.parametrize("kills", shortened(_KILLS))
def test_batches_that_were_acknowledged_survive_kill_9_whole(
    catalog_home: Path, kills: int
) -> None:
    url = home_url(catalog_home)
    open_catalog(url).collections.create("default")
    acknowledged = -1
    for kill in range(kills):
        command = [sys.executable, "-c", _WRITER, url, str(acknowledged + 2)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(3 + 5 * kill):
                acknowledged = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged = int((writer.stdout.read().splitlines() or [acknowledged])[-1])
        _assert_whole(url, acknowledged)


def _assert_whole(url: str, acknowledged: int) -> None:
    catalog = open_catalog(url)
    collection = catalog.collections.get("default")
    ids = {one.document.id for one in catalog.documents.page(collection, limit=10**6)}
    batches = [one.rsplit("-")[0] for one in ids - {"shared"}]
    assert all(batches.count(batch) == _BATCH for batch in set(batches))
    assert str(acknowledged) in batches
    last = int(
        catalog.documents.get(collection, "shared").document.text.removeprefix("written by ")
    )
    assert last == max(map(int, batches)) >= acknowledged
    assert collection.documents == len(ids)
    assert collection.revision == _BATCH * len(set(batches)) + len(set(batches))
    assert flaws_of(catalog) == []
    catalog.close()


class CatalogAgainstDictionary(RuleBasedStateMachine):
    """Whatever is written, the catalog holds what a dictionary would."""

    ids = st.sampled_from(["a", "b", "c", "ä", "z z"])
    texts = st.sampled_from(["one", "two"])

    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        self.catalog = open_catalog(home_url(Path(self.folder.name)))
        self.collection = self.catalog.collections.create("default")
        self.documents: dict[str, Document] = {}
        self.numbers: dict[str, tuple[int, int]] = {}
        self.graves: list[int] = []
        self.revision = self.next_ordinal = 0

    @rule(batch=st.dictionaries(ids, st.tuples(texts, texts), max_size=4))
    def upsert(self, batch: dict[str, tuple[str, str]]) -> None:
        sent = [Document(one, text, metadata={"m": value}) for one, (text, value) in batch.items()]
        for document in sent:
            if self.documents.get(document.id) != document:
                self._expect(document)
        ack = self.catalog.documents.upsert(self.collection, sent)
        assert (ack.accepted, ack.revision) == (len(sent), self.revision)

    def _expect(self, document: Document) -> None:
        self.revision += 1
        if document.id not in self.documents:
            self.numbers[document.id] = (self.next_ordinal, self.revision)
            self.next_ordinal += 1
        self.numbers[document.id] = (self.numbers[document.id][0], self.revision)
        self.documents[document.id] = document

    @rule(doc_id=ids)
    def delete(self, doc_id: str) -> None:
        if doc_id in self.documents:
            self.revision += 1
            ack = self.catalog.documents.delete(self.collection, doc_id)
            assert (ack.accepted, ack.revision) == (1, self.revision)
            self.graves.append(self.numbers.pop(doc_id)[0])
            del self.documents[doc_id]
        else:
            with pytest.raises(DocumentNotFoundError):
                self.catalog.documents.delete(self.collection, doc_id)

    @rule()
    def reopen(self) -> None:
        self.catalog.close()
        self.catalog = open_catalog(home_url(Path(self.folder.name)))

    @invariant()
    def holds_what_the_dictionary_holds(self) -> None:
        found = self.catalog.documents.page(self.collection, limit=99)
        assert {one.document.id: one.document for one in found} == self.documents
        assert {one.document.id: (one.ordinal, one.revision) for one in found} == self.numbers

    @invariant()
    def says_what_is_alive(self) -> None:
        liveness = self.catalog.documents.liveness(self.collection)
        pairs = zip(liveness.ordinals.tolist(), liveness.revisions.tolist(), strict=True)
        assert sorted(pairs) == sorted(self.numbers.values())
        assert liveness.deleted.tolist() == self.graves
        assert liveness.revision == self.revision
        assert self.catalog.collections.get("default").documents == len(self.documents)

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            self.catalog.close()
            self.folder.cleanup()


TestCatalogAgainstDictionary = CatalogAgainstDictionary.TestCase
TestCatalogAgainstDictionary.settings = settings(max_examples=8, stateful_step_count=20)


@pytest.mark.walk
def test_whatever_is_written_at_length_the_catalog_holds_what_a_dictionary_would() -> None:
    at_length = settings(max_examples=100, stateful_step_count=30)
    run_state_machine_as_test(CatalogAgainstDictionary, settings=at_length)
