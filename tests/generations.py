"""Generations made beside the one that serves, as a job makes them."""

from contextlib import closing
from uuid import uuid4

from molt.encoder import Encoder
from molt.engine.engine import Engine
from molt.index.generations.generation import new_generation_id
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from tests.hashing import HashingEncoder


def make_generation(
    engine: Engine, name: str, *, seed: int = 1, encoder: Encoder | None = None
) -> str:
    """A complete generation of a collection that no pointer names; its id.

    By a hashing encoder of this `seed`, where no other is given.
    """
    collection = engine.catalog.collections.get(name)
    encoder = encoder or HashingEncoder(seed=seed)
    generation_id = new_generation_id()
    engine.catalog.builds.begin(collection, job=uuid4().hex, generation=generation_id)
    engine.generations.create(
        collection=collection.id,
        checkpoint=encoder.checkpoint.id,
        dimension=encoder.dimension,
        generation_id=generation_id,
    )
    writer = GenerationWriter(
        engine.generations,
        generation_id,
        catalog=engine.catalog,
        collection=collection,
        encoder=PassageEncoder(encoder.embed_documents),
    )
    with closing(writer):
        while writer.advance(1024):
            pass
    return generation_id
