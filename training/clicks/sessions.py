"""Sessions: kept searches and the events that name them, read from a catalog into a click log.

Owns what counts as a search that somebody looked at, and as a click. Estimates nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.curations import normalised
from molt.index.catalog.judging.kept_searches import KeptSearch, UserAction
from molt.training.clicks.abuse import NO_USER
from molt.training.clicks.click_log import UNSHOWN, BoolArray, ClickLog, FloatArray, IntArray

MOST_RANKS = 20
"""What stands further down is not learnt from."""


@dataclass(frozen=True)
class SessionLog:
    """Searches as a click log; of each `(n,)` the number of its user (-1 for unknown), the number
    of its query, and its second.

    `texts` are the queries by their number; `pair_queries` `(n_pairs,) int64` and `pair_docs` say
    what each pair is of. `unseen` searches were left out, since no event tells of them;
    `without_events` are in it.
    """

    clicks: ClickLog
    users: IntArray
    queries: IntArray
    at: FloatArray
    texts: Sequence[str]
    pair_queries: IntArray
    pair_docs: Sequence[str]
    unseen: int
    without_events: int

    def kept(self, rows: BoolArray) -> "SessionLog":
        """Some of the searches; queries and pairs keep their numbers."""
        return SessionLog(
            self.clicks.take(rows),
            self.users[rows],
            self.queries[rows],
            self.at[rows],
            self.texts,
            self.pair_queries,
            self.pair_docs,
            self.unseen,
            self.without_events,
        )


def read_sessions(
    catalog: Catalog, collection: Collection, *, worth: Mapping[str, float]
) -> SessionLog:
    """The first pages of searches that are kept, and what was done with them.

    An action that has a worth is a click, worth as much as that beside the largest that occurs.
    Where some events are of other actions, such as impressions, they tell which searches somebody
    looked at, and those without any event are left out. Otherwise all since the first event count.
    """
    actions = list(catalog.searches.actions(collection))
    pages = [one for one in catalog.searches.all(collection) if one.passed == 0 and one.shown]
    seen = _looked_at(pages, actions, worth)
    return _Numbering(worth, actions).log(seen, unseen=len(pages) - len(seen))


def _looked_at(
    pages: Sequence[KeptSearch], actions: Sequence[UserAction], worth: Mapping[str, float]
) -> list[KeptSearch]:
    if not actions:
        return []
    named = {one.query_id for one in actions}
    if any(one.action_name not in worth for one in actions):
        return [page for page in pages if page.query_id in named]
    first = min((page.at for page in pages if page.query_id in named), default=None)
    return [page for page in pages if first is not None and page.at >= first]


class _Numbering:
    """Gives numbers to users, queries and pairs in the order in which they come."""

    def __init__(self, worth: Mapping[str, float], actions: Iterable[UserAction]) -> None:
        self._users: dict[str, int] = {}
        self._user_of: dict[str, int] = {}
        self._gains: dict[str, dict[str, float]] = defaultdict(dict)
        self._texts: dict[str, tuple[int, str]] = {}
        self._pairs: dict[tuple[int, str], int] = {}
        for one in actions:
            if one.user is not None:
                self._user_of[one.query_id] = self._users.setdefault(one.user, len(self._users))
            gain = worth.get(one.action_name, 0.0)
            known = self._gains[one.query_id]
            if gain and one.doc_id is not None:
                known[one.doc_id] = max(gain, known.get(one.doc_id, 0.0))

    def log(self, pages: Sequence[KeptSearch], *, unseen: int) -> SessionLog:
        depth = min(MOST_RANKS, max((len(page.shown) for page in pages), default=1))
        pairs = np.full((len(pages), depth), UNSHOWN, dtype=np.int64)
        gains = np.zeros((len(pages), depth))
        queries = np.zeros(len(pages), dtype=np.int64)
        for row, page in enumerate(pages):
            query = queries[row] = self._query(page.query)
            found = self._gains.get(page.query_id, {})
            for column, doc_id in enumerate(page.shown[:depth]):
                pairs[row, column] = self._pairs.setdefault((query, doc_id), len(self._pairs))
                gains[row, column] = found.get(doc_id, 0.0)
        clicks = gains > 0
        largest = gains.max(initial=0.0)
        users = [self._user_of.get(page.query_id, NO_USER) for page in pages]
        return SessionLog(
            ClickLog(pairs, clicks, gains / (largest or 1.0), len(self._pairs)),
            np.array(users, dtype=np.int64),
            queries,
            np.array([page.at.timestamp() for page in pages]),
            [text for _, text in self._texts.values()],
            np.array([query for query, _ in self._pairs], dtype=np.int64),
            [doc_id for _, doc_id in self._pairs],
            unseen=unseen,
            without_events=sum(page.query_id not in self._gains for page in pages),
        )

    def _query(self, text: str) -> int:
        written = " ".join(text.split())
        return self._texts.setdefault(normalised(text), (len(self._texts), written))[0]
