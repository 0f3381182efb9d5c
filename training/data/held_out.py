"""Held-out queries: those of dev and test, which nothing that is learnt from may come near."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from molt.index.catalog.judging.split_name import SplitName
from molt.training.data.cleaning.findings import shorten
from molt.training.data.cleaning.near import NearIndex


@dataclass(frozen=True)
class Twin:
    """A held-out query (by its key) that another one equals or is near to, and its split."""

    key: str
    split: SplitName
    equal: bool

    @property
    def why(self) -> str:
        """The reason why the other one gives way."""
        return f"{'the same as' if self.equal else 'nearly the same as'} a query of {self.split}"

    def example(self, key: str) -> str:
        """Both texts."""
        return shorten(key) if self.equal else f"{key[:78]} ~ {self.key[:78]}"


class HeldOut:
    """Held-out queries by their split, which can be asked for a twin of another query."""

    def __init__(self, keys: Mapping[SplitName, Iterable[str]], *, threshold: float) -> None:
        self._splits: dict[str, SplitName] = {}
        for split, held in keys.items():
            for key in held:
                self._splits.setdefault(key, split)
        self._near = NearIndex(self._splits, threshold=threshold)

    def find(self, key: str) -> Twin | None:
        """The held-out query that equals `key`, else one that is near to it, else None."""
        if key in self._splits:
            return Twin(key, self._splits[key], equal=True)
        near = next(self._near.find(key), None)
        return None if near is None else Twin(near, self._splits[near], equal=False)
