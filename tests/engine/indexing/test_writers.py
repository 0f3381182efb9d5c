"""Which generations are written and which are kept, while others move the pointers."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.artifact import CorruptFileError
from molt.engine.encoders import Encoders
from molt.engine.indexing.lexical_writers import LexicalWriters
from molt.engine.indexing.writers import Writers
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.errors import GenerationBusyError, GenerationError
from molt.index.generations.flip import flip
from molt.index.generations.generation import GenerationStore
from molt.index.generations.occupancy import hold_writing
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from molt.index.lexical.commit import LexicalStore
from tests.hashing import HashingEncoder

ENCODER = HashingEncoder()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with a default checkpoint and the collection `shop`."""
    with closing(open_catalog(home_url(tmp_path))) as catalog:
        catalog.aliases.set("default", ENCODER.checkpoint.id)
        catalog.collections.create("shop")
        yield catalog


@pytest.fixture
def store(tmp_path: Path) -> GenerationStore:
    return GenerationStore(tmp_path / "generations")


@pytest.fixture
def writing(catalog: Catalog, store: GenerationStore) -> Writers:
    """Keeps one former generation."""
    return writers_of(catalog, store, lambda _: ENCODER)


def writers_of(
    catalog: Catalog, store: GenerationStore, open_one: Callable[[str], HashingEncoder]
) -> Writers:
    lexical = LexicalWriters(
        LexicalStore(store.root.with_name("lexical")), catalog=catalog, limit=1_024
    )
    return Writers(
        catalog=catalog, store=store, lexical=lexical, encoders=Encoders(open_one), retained=1
    )


def shop(catalog: Catalog) -> Collection:
    return catalog.collections.get("shop")


def active(catalog: Catalog) -> str:
    generation = shop(catalog).generation
    assert generation is not None
    return generation


def put(catalog: Catalog, *ids: str) -> None:
    catalog.documents.upsert(shop(catalog), [Document(one, f"text of {one}") for one in ids])


def opened(catalog: Catalog, store: GenerationStore) -> GenerationWriter:
    """A writer of a new generation of the collection, as a job has one."""
    made = store.create(
        collection=shop(catalog).id, checkpoint=ENCODER.checkpoint.id, dimension=ENCODER.dimension
    )
    return GenerationWriter(
        store,
        made.id,
        catalog=catalog,
        collection=shop(catalog),
        encoder=PassageEncoder(ENCODER.embed_documents),
    )


def replace(catalog: Catalog, store: GenerationStore) -> str:
    """Serve the collection from a new generation; its id."""
    return str(flip(catalog, opened(catalog, store), "shop", reason=Reason()).generation)


def test_nobody_else_writes_the_generation_that_is_being_written(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    assert writing.advance(shop(catalog), limit=10)
    with pytest.raises(GenerationBusyError):
        hold_writing(store.path(active(catalog)))


def test_when_it_is_closed_others_may_write_until_it_writes_again(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    writing.advance(shop(catalog), limit=10)
    writing.close()
    hold_writing(store.path(active(catalog))).release()
    put(catalog, "b")
    assert writing.advance(shop(catalog), limit=10)
    with pytest.raises(GenerationBusyError):
        hold_writing(store.path(active(catalog)))


def test_it_follows_the_pointer_and_lets_the_former_generation_go(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    writing.advance(shop(catalog), limit=10)
    former, current = active(catalog), replace(catalog, store)
    put(catalog, "b")
    assert writing.advance(shop(catalog), limit=10)
    assert (store.read(former).revision, store.read(current).revision) == (1, 2)
    hold_writing(store.path(former)).release()
    with pytest.raises(GenerationBusyError):
        hold_writing(store.path(current))


def test_a_generation_that_somebody_else_still_writes_is_left_for_another_time(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    generation = replace(catalog, store)
    put(catalog, "b")
    other = hold_writing(store.path(generation))
    assert not writing.advance(shop(catalog), limit=10)
    other.release()
    assert writing.advance(shop(catalog), limit=10)
    assert store.read(generation).revision == 2


def test_as_many_former_generations_stay_as_shall(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    served = [replace(catalog, store) for _ in range(4)]
    writing.collect()
    assert store.ids() == sorted(served[-2:])


def test_a_former_generation_that_is_kept_can_be_served_again(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    former, _ = replace(catalog, store), replace(catalog, store)
    writing.advance(shop(catalog), limit=10)
    writing.collect()
    catalog.collections.point("shop", generation=former)
    put(catalog, "b")
    assert writing.advance(shop(catalog), limit=10)
    assert store.read(former).revision == 2


def test_a_generation_that_is_being_rebuilt_stays_before_anything_points_to_it(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a", "b")
    writing.advance(shop(catalog), limit=2)
    writing.close()
    damaged = active(catalog)
    (store.path(damaged) / "generation.json").write_bytes(b"damaged")
    assert writing.advance(shop(catalog), limit=1)
    assert active(catalog) == damaged
    writing.collect()
    (rebuilt,) = set(store.ids()) - {damaged}
    while writing.advance(shop(catalog), limit=1):
        pass
    assert (active(catalog), store.read(rebuilt).revision) == (rebuilt, 2)


def spoil(path: Path) -> None:
    """Something that is no checkpoint changes in a manifest, which its checksum then denies."""
    body = json.loads(path.read_bytes())
    path.write_text(json.dumps(body | {"revision": 77}))


def test_a_damaged_generation_is_rebuilt_by_the_checkpoint_that_it_names(
    catalog: Catalog, store: GenerationStore
) -> None:
    other = HashingEncoder(seed=1)
    both = {encoder.checkpoint.id: encoder for encoder in (ENCODER, other)}
    writing = writers_of(catalog, store, both.__getitem__)
    put(catalog, "a")
    made = store.create(
        collection=shop(catalog).id, checkpoint=other.checkpoint.id, dimension=other.dimension
    )
    for _ in range(2):  # so that the pointer was moved more than once
        catalog.collections.point("shop", generation=made.id)
    spoil(store.path(made.id) / "generation.json")
    while writing.advance(shop(catalog), limit=1):
        pass
    assert active(catalog) != made.id
    assert store.read(active(catalog)).checkpoint == other.checkpoint.id


def test_a_generation_of_which_nobody_knows_the_checkpoint_is_not_rebuilt(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    replace(catalog, store)
    lost = replace(catalog, store)
    store.remove(lost)
    with pytest.raises(GenerationError, match="nothing tells which checkpoint made it"):
        writing.advance(shop(catalog), limit=1)
    assert active(catalog) == lost


def test_a_damaged_checkpoint_moves_no_pointer_to_another_one(
    catalog: Catalog, store: GenerationStore
) -> None:
    def refuse(checkpoint_id: str) -> HashingEncoder:
        if checkpoint_id == other.checkpoint.id:
            raise CorruptFileError(Path("model.safetensors"), "its SHA-256 differs")
        return ENCODER

    other = HashingEncoder(seed=1)
    writing = writers_of(catalog, store, refuse)
    put(catalog, "a")
    made = store.create(
        collection=shop(catalog).id, checkpoint=other.checkpoint.id, dimension=other.dimension
    )
    catalog.collections.point("shop", generation=made.id)
    with pytest.raises(CorruptFileError, match="SHA-256"):
        writing.advance(shop(catalog), limit=1)
    assert (active(catalog), store.ids()) == (made.id, [made.id])


def test_a_generation_that_is_ahead_of_the_catalog_is_rebuilt_from_it(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    ahead = replace(catalog, store)
    store.publish(dataclasses.replace(store.read(ahead), revision=99))
    while writing.advance(shop(catalog), limit=1):
        pass
    assert active(catalog) != ahead
    assert store.read(active(catalog)).revision == 1


def test_a_generation_that_a_job_writes_stays(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    writer = opened(catalog, store)
    writing.collect()
    assert store.ids() == [writer.snapshot.manifest.id]
    writer.close()
    writing.collect()
    assert store.ids() == []


def test_the_generations_of_a_deleted_collection_go(
    catalog: Catalog, store: GenerationStore, writing: Writers
) -> None:
    put(catalog, "a")
    replace(catalog, store)
    replace(catalog, store)
    writing.advance(shop(catalog), limit=10)
    catalog.collections.delete("shop")
    writing.collect()
    assert store.ids() == []
