"""Paging: some documents of a match that follow each other in an order, or the first of each group.

What comes after a position is told by comparing with it, and not by counting: whatever was written
since the page before, a document that has not changed is on one page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from molt.index.segments.exact import Mask, Rows, Vectors
from molt.index.segments.matches.facets import order_of
from molt.index.segments.matches.groups import Groups
from molt.index.segments.matches.order import (
    GivenScores,
    Group,
    Order,
    OrderedHit,
    Position,
    SortField,
    in_order,
)
from molt.index.segments.matches.standings import Standings
from molt.index.segments.matches.terms import TermValue, remembered_terms
from molt.index.segments.scope import Scope

_MORE = 4


@dataclass(frozen=True)
class PageQuery:
    """The first `k` documents by `fields`, then by score, that come after a position.

    With `group_by`, a field, the first of each group. Those whose ordinals are in `without` are
    left out, with the whole group that one belongs to. Where `scores` are given, they count.
    """

    k: int
    fields: tuple[SortField, ...] = ()
    group_by: str | None = None
    after: Position | None = None
    without: frozenset[int] = frozenset()
    scores: GivenScores | None = None


@dataclass(frozen=True)
class OrderedPage:
    """Documents in their order, and whether there are more after them."""

    standings: tuple[OrderedHit, ...]
    more: bool


def ordered_page(
    scopes: Sequence[Scope], query: Vectors | None, wanted: PageQuery, *, by_id: bool
) -> OrderedPage:
    """A page of the documents of `scopes`; `query` `(dim,) float32` is what they are scored by."""
    if query is not None:
        query = np.ascontiguousarray(query, dtype=np.float32)
    order = Order(query, wanted.fields, by_id=by_id, scores=wanted.scores)
    parts = [Standings(scope, order) for scope in scopes]
    if wanted.group_by is not None:
        return _Grouped(scopes, parts, wanted).page()
    found: list[OrderedHit] = []
    for part in parts:
        places = np.flatnonzero(_open(part, wanted))
        found += part.standings(part.best(places, k=wanted.k + 1))
    return _page(in_order(found, wanted.fields), wanted.k)


def _page(found: Sequence[OrderedHit], k: int) -> OrderedPage:
    return OrderedPage(tuple(found[:k]), len(found) > k)


def _open(part: Standings, wanted: PageQuery) -> Mask:
    """Which documents `(n,)` may be on the page or on a later one."""
    left = np.ones(len(part), bool) if wanted.after is None else part.after(wanted.after)
    if wanted.without:
        left &= ~np.isin(part.ordinals, list(wanted.without))
    return left


class _Grouped:
    """The groups of all scopes: what is first in one of them need not be in all."""

    def __init__(
        self, scopes: Sequence[Scope], parts: Sequence[Standings], wanted: PageQuery
    ) -> None:
        self._wanted = wanted
        self._parts = parts
        field = str(wanted.group_by)
        self._groups = [
            Groups(part, remembered_terms(scope.segment.attributes, field))
            for part, scope in zip(parts, scopes, strict=True)
        ]

    def page(self) -> OrderedPage:
        open_ = [
            groups.candidates[_open(part, self._wanted)[groups.candidates]]
            for part, groups in zip(self._parts, self._groups, strict=True)
        ]
        n_all, n_asked = sum(map(len, open_)), self._wanted.k + 1
        while True:
            found = self._first_candidates(open_, k=n_asked)
            firsts = self._firsts(found)
            if len(firsts) > self._wanted.k or len(found) == n_all:
                return _page(firsts, self._wanted.k)
            n_asked *= _MORE

    def _first_candidates(self, open_: Sequence[Rows], *, k: int) -> list["_Candidate"]:
        """The first of each scope's groups, as they follow each other."""
        found = {}
        for part, groups, places in zip(self._parts, self._groups, open_, strict=True):
            best = part.best(places, k=k)
            for standing, value in zip(part.standings(best), groups.values(best), strict=True):
                found[standing.hit.ordinal] = _Candidate(standing, value)
        order = in_order([one.standing for one in found.values()], self._wanted.fields)
        return [found[standing.hit.ordinal] for standing in order[:k]]

    def _firsts(self, found: Sequence["_Candidate"]) -> list[OrderedHit]:
        """Those that are the first of their groups in all scopes, with their groups."""
        values = {order_of(one.value): one.value for one in found if one.value is not None}
        groups = dict(zip(values, self._whole(list(values.values())), strict=True))
        shown = self._shown
        kept = []
        for one in found:
            standing = one.standing
            if one.value is None:
                kept.append(replace(standing, group=Group(None, 1)))
                continue
            key = order_of(one.value)
            whole = groups[key]
            if whole.first.hit.ordinal == standing.hit.ordinal and key not in shown:
                kept.append(replace(standing, group=Group(one.value, whole.size)))
        return kept

    @cached_property
    def _shown(self) -> set[tuple[int, Any]]:
        """The groups of the documents that were shown before."""
        without = list(self._wanted.without)
        found: list[TermValue | None] = []
        for part, groups in zip(self._parts, self._groups, strict=True):
            found += groups.values(np.flatnonzero(np.isin(part.ordinals, without)))
        return {order_of(one) for one in found if one is not None}

    def _whole(self, values: Sequence[TermValue]) -> list["_WholeGroup"]:
        """The first document and the size of the group of each value, in all scopes together."""
        firsts: list[list[OrderedHit]] = [[] for _ in values]
        sizes = np.zeros(len(values), np.int64)
        for part, groups in zip(self._parts, self._groups, strict=True):
            codes = groups.terms.find(values)
            there = np.flatnonzero(codes >= 0)
            sizes[there] += groups.sizes[codes[there]]
            there = there[groups.heads[codes[there]] >= 0]
            for at, standing in zip(
                there.tolist(), part.standings(groups.heads[codes[there]]), strict=True
            ):
                firsts[at].append(standing)
        return [
            _WholeGroup(in_order(own, self._wanted.fields)[0], size)
            for own, size in zip(firsts, sizes.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class _Candidate:
    """The first document of a group in one scope; `value` is None where it stands alone."""

    standing: OrderedHit
    value: TermValue | None


@dataclass(frozen=True)
class _WholeGroup:
    """A group of documents of any scope."""

    first: OrderedHit
    size: int
