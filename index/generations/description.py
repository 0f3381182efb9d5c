"""How generations and releases are described to a program: alike by the command line and over HTTP.

Reads manifests and the catalog. What is damaged is described too, by what is wrong with it.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any

from molt.artifact import ArtifactError
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.accounts import Spending
from molt.index.catalog.releases import Release
from molt.index.errors import CollectionNotFoundError, GenerationNotFoundError
from molt.index.generations.generation import GenerationManifest, GenerationStore, Quarantined
from molt.index.passages.splitting import Splitting
from molt.index.ranking.ranking import SearchRanking

_MOST_NAMED = 5


def describe_generations(
    store: GenerationStore, collections: Iterable[Collection]
) -> list[dict[str, Any]]:
    """All of a store, oldest first; last come those that cannot be read, with their `problem`."""
    owners = {each.id: each for each in collections}
    pointed = {each.generation: each.name for each in owners.values()}
    sound: list[dict[str, Any]] = []
    damaged: list[dict[str, Any]] = []
    for generation_id in store.ids():
        try:
            manifest = store.read(generation_id)
        except GenerationNotFoundError:
            continue  # it was removed meanwhile
        except (ArtifactError, OSError) as error:
            owner = pointed.get(generation_id)
            place = {"id": generation_id, "collection": owner, "active": owner is not None}
            damaged.append(place | {"problem": str(error)})
        else:
            sound.append(_described(manifest, owners.get(manifest.collection)))
    return sorted(sound, key=itemgetter("created_at")) + damaged


def describe_passages(splitting: Splitting | None) -> dict[str, Any]:
    """How long texts are split, as a collection or a generation says it."""
    return {"split": splitting is not None} | (splitting or Splitting()).describe()


def splitting_warnings(collection: Collection, store: GenerationStore) -> list[str]:
    """Whether what serves was made before texts were to be split as the collection says."""
    with suppress(ArtifactError, GenerationNotFoundError, OSError):
        if collection.generation is not None and (
            store.read(collection.generation).splitting != collection.splitting
        ):
            how = f"`molt reindex {collection.name}` makes one as `passages` says"
            return [f"the index that serves was made when long texts were split otherwise; {how}"]
    return []


def describe_releases(
    catalog: Catalog, store: GenerationStore, *, names: Iterable[str], limit: int
) -> list[dict[str, Any]]:
    """The newest `limit` moves of the pointers of these collections, newest first.

    A generation that is on disk no more has no `checkpoint`. Collections that are gone have none.
    """
    histories = []
    for name in names:
        with suppress(CollectionNotFoundError):
            moves = catalog.collections.releases(name, limit=limit)
            spent = catalog.accounts.by_report(catalog.collections.get(name))
            histories.append(
                [(move.at, name, move, spent.get(move.reason.report or "")) for move in moves]
            )
    newest = islice(merge(*histories, key=itemgetter(0), reverse=True), limit)
    return [_moved(name, move, spending, store) for _, name, move, spending in newest]


def describe_quarantine(quarantined: Sequence[Quarantined]) -> str:
    """In words: how many documents cannot be encoded, and the first few, each with its reason."""
    first = "; ".join(f"{one.doc_id[:80]!r}: {one.reason}" for one in quarantined[:_MOST_NAMED])
    more = len(quarantined) - _MOST_NAMED
    number = "1 document" if len(quarantined) == 1 else f"{len(quarantined):,} documents"
    return f"{number} that cannot be encoded ({first}{f'; and {more:,} more' if more > 0 else ''})"


def _described(manifest: GenerationManifest, collection: Collection | None) -> dict[str, Any]:
    return {
        "id": manifest.id,
        "collection": None if collection is None else collection.name,
        "active": collection is not None and collection.generation == manifest.id,
        "checkpoint": manifest.checkpoint,
        "revision": manifest.revision,
        "segments": len(manifest.segments),
        "rows": manifest.n_rows,
        "passages": describe_passages(manifest.splitting),
        "bytes": sum(file.size for segment in manifest.segments for file in segment.files.values()),
        "created_at": manifest.created_at,
    }


def _moved(
    name: str, release: Release, spending: Spending | None, store: GenerationStore
) -> dict[str, Any]:
    return {
        "collection": name,
        "at": release.at,
        "epoch": release.epoch,
        "previous": release.previous,
        "generation": release.generation,
        "checkpoint": _checkpoint(release.generation, store),
        "actor": release.reason.actor,
        "reason": release.reason.text,
        "report": release.reason.report,
        "gate": None
        if spending is None
        else {
            "account": spending.account,
            "attempt": spending.attempt,
            "level": spending.level,
        },
        "name": release.name,
        **_ranking(release.ranking),
    }


def _ranking(ranking: SearchRanking | None) -> dict[str, Any]:
    if ranking is None:
        return {"fusion": None, "fields": None, "rerank": None}
    return {
        "fusion": ranking.fusion.describe(),
        "fields": dict(ranking.fields) or None,
        "rerank": None if ranking.rerank is None else ranking.rerank.describe(),
    }


def _checkpoint(generation_id: str | None, store: GenerationStore) -> str | None:
    try:
        return None if generation_id is None else store.read(generation_id).checkpoint
    except (ArtifactError, GenerationNotFoundError, OSError):
        return None
