"""The oracle: what was acknowledged of every document, and so what has to be there.

A document has one writer, whose requests follow each other. What was asked for and neither
acknowledged nor refused may have happened or not; once it is seen which, that is what counts.
"""

import threading
from collections.abc import Collection, Mapping

Text = str | None
"""What a document holds; None: it is deleted."""


class Oracle:
    """What every document may hold; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled: dict[str, Text] = {}
        self._open: dict[str, set[Text]] = {}
        self.acknowledged = 0

    def ask(self, wanted: Mapping[str, Text]) -> None:
        """These writes are about to be asked for."""
        with self._lock:
            for doc_id, text in wanted.items():
                self._open.setdefault(doc_id, set()).add(text)

    def acknowledge(self, written: Mapping[str, Text]) -> None:
        """They were answered with success."""
        with self._lock:
            self.acknowledged += len(written)
            for doc_id, text in written.items():
                self._settled[doc_id] = text
                self._open.pop(doc_id, None)

    def refuse(self, wanted: Mapping[str, Text]) -> None:
        """They were answered with an error that says that nothing was kept."""
        with self._lock:
            for doc_id, text in wanted.items():
                self._open.get(doc_id, set()).discard(text)

    def compare(self, found: Mapping[str, str]) -> list[str]:
        """What is wrong with the documents that are `found`, which from now on are the truth."""
        with self._lock:
            wrong = [
                what
                for doc_id in sorted({*self._settled, *self._open, *found})
                if (what := self._fault(doc_id, found.get(doc_id))) is not None
            ]
            self._settled = dict(found)
            self._open.clear()
            return wrong

    def _fault(self, doc_id: str, text: Text) -> str | None:
        settled = self._settled.get(doc_id)
        if text == settled or text in self._open.get(doc_id, ()):
            return None
        if text is None:
            return f"{doc_id} was acknowledged and is lost"
        if settled is None:
            return f"{doc_id} was deleted, or never written, and is there"
        return f"{doc_id} is not what was acknowledged last"

    def having(self, words: Collection[str]) -> set[str]:
        """The documents that have any of these words for certain."""
        with self._lock:
            return {
                doc_id
                for doc_id, text in self._settled.items()
                if text is not None
                and not self._open.get(doc_id)
                and not set(words).isdisjoint(text.split())
            }

    def living(self) -> set[str]:
        """The documents that are there for certain."""
        with self._lock:
            return {
                doc_id
                for doc_id, text in self._settled.items()
                if text is not None and not self._open.get(doc_id)
            }
