"""Which model a name means: collections, checkpoints, aliases of both, and base models."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.encoder.encoder import InputType
from molt.engine.engine import Engine
from molt.engine.errors import AliasError, UnknownModelError
from molt.engine.settings import load_settings
from molt.index.catalog.access.reach import Reach
from molt.index.errors import NameTakenError
from tests.app.serving import open_engine
from tests.checkpoints import build_checkpoint
from tests.hashing import HashingEncoder

HASHING = HashingEncoder().checkpoint.id


@pytest.fixture
def engine(tmp_path: Path, tiny_checkpoint: Path) -> Iterator[Engine]:
    """An engine with an alias by its settings; beside what hashes, it has a tiny checkpoint."""
    home = tmp_path / "home"
    shutil.copytree(tiny_checkpoint, home / "checkpoints" / tiny_checkpoint.name)
    aliases = {"ada": "shop", "tiny-by-id": tiny_checkpoint.name, "lost": "f" * 16}
    with closing(open_engine(load_settings(home=home, models={"aliases": aliases}))) as engine:
        engine.start()
        engine.create("shop")
        yield engine


def checkpoint_of(engine: Engine, name: str) -> str:
    result = engine.models.embed(["ab"], model=name, input_type=InputType.QUERY, dimensions=None)
    return result.checkpoint


def test_an_alias_stands_for_a_collection_a_checkpoint_or_default(
    engine: Engine, tiny_checkpoint: Path
) -> None:
    engine.models.set_alias("text-embedding-3-small", "default")
    engine.models.set_alias("openai/tiny", tiny_checkpoint.name)
    hashed = ("ada", "text-embedding-3-small", "default-embedding")
    assert {checkpoint_of(engine, name) for name in hashed} == {HASHING}
    tiny = ("tiny-by-id", "openai/tiny")
    assert {checkpoint_of(engine, name) for name in tiny} == {tiny_checkpoint.name}


def test_an_alias_is_known_without_asking_the_disk_and_one_of_elsewhere_by_asking(
    engine: Engine,
) -> None:
    engine.models.set_alias("near", "default")
    assert engine.models.is_open("near")
    assert engine.models.is_open("default-embedding")
    engine.catalog.aliases.set("far", "default")
    assert checkpoint_of(engine, "far") == HASHING
    engine.models.remove_alias("near")
    with pytest.raises(UnknownModelError):
        checkpoint_of(engine, "near")


def test_what_people_call_a_checkpoint_is_a_model_unless_an_alias_has_that_name(
    engine: Engine, tiny_checkpoint: Path
) -> None:
    engine.catalog.names.set(tiny_checkpoint.name, "autumn")
    assert checkpoint_of(engine, "autumn") == tiny_checkpoint.name
    assert {card.root for card in engine.models.cards() if card.id == "autumn"} == {
        tiny_checkpoint.name
    }
    engine.models.set_alias("autumn", "default")
    assert checkpoint_of(engine, "autumn") == HASHING


def test_a_checkpoint_that_is_called_otherwise_now_is_no_model_of_its_former_name(
    engine: Engine, tiny_checkpoint: Path
) -> None:
    engine.catalog.names.set(tiny_checkpoint.name, "autumn")
    engine.live_collections.read_aliases()
    engine.catalog.names.set(tiny_checkpoint.name, "winter")
    engine.live_collections.read_aliases()
    assert checkpoint_of(engine, "winter") == tiny_checkpoint.name
    with pytest.raises(UnknownModelError):
        checkpoint_of(engine, "autumn")


@pytest.mark.parametrize("name", ["hashing", "HASHING"])
def test_the_name_of_the_base_model_means_the_default_made_of_it(engine: Engine, name: str) -> None:
    assert checkpoint_of(engine, name) == HASHING
    assert engine.models.is_open(name)


def test_the_name_of_a_base_model_means_itself_rather_than_what_was_trained_of_it(
    engine: Engine, tmp_path: Path
) -> None:
    base = "sentence-transformers/small"
    made = build_checkpoint(tmp_path / "made", seed=1, base_model=base)
    trained = build_checkpoint(tmp_path / "made", seed=2, base_model=base, parent=made.id)
    for each in (made, trained):
        shutil.copytree(each.path, engine.settings.layout.checkpoints / each.id)
    engine.catalog.aliases.set("default", trained.id)
    engine.live_collections.read_aliases()
    assert {checkpoint_of(engine, name) for name in (base, "small")} == {made.id}
    cards = {card.id: card.root for card in engine.models.cards()}
    assert cards[base] == made.id
    assert engine.models.card("small").root == made.id


def test_every_name_is_listed_with_the_checkpoint_behind_it(
    engine: Engine, tiny_checkpoint: Path
) -> None:
    engine.catalog.aliases.set("default", tiny_checkpoint.name)
    cards = {card.id: card.root for card in engine.models.cards()}
    named = {tiny_checkpoint.name, "default", "default-embedding", "tiny-by-id", "tiny"}
    assert named <= cards.keys()
    assert {cards[name] for name in named} == {tiny_checkpoint.name}
    assert any("embed" in name for name in cards)


def test_an_alias_whose_model_is_gone_says_so(engine: Engine) -> None:
    with pytest.raises(UnknownModelError, match="'lost' \\(an alias of 'ffffffffffffffff', which"):
        checkpoint_of(engine, "lost")


@pytest.mark.parametrize(
    ("name", "model", "error", "message"),
    [
        ("default", "shop", AliasError, "molt checkpoints default"),
        ("default-embedding", "shop", AliasError, "built in"),
        ("0123456789abcdef", "shop", AliasError, "checkpoint's id"),
        ("ada", "default", AliasError, "models.aliases"),
        ("shop", "default", NameTakenError, "collection 'shop'"),
        ("new", "gpt-9", UnknownModelError, "gpt-9"),
        ("new", "ada", UnknownModelError, "an alias stands for a collection"),
    ],
)
def test_an_alias_that_would_not_be_one_is_refused(
    engine: Engine, name: str, model: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        engine.models.set_alias(name, model)
    assert engine.catalog.aliases.all() == {"default": HASHING}


def test_no_collection_is_made_under_the_name_of_an_alias_of_the_settings(engine: Engine) -> None:
    with pytest.raises(NameTakenError, match="'ada'"):
        engine.create("ada")


def test_the_name_of_a_base_model_means_what_a_key_may_know_of(
    engine: Engine, tmp_path: Path
) -> None:
    base, mine = "sentence-transformers/small", Reach(("mine",))
    made = {
        name: build_checkpoint(tmp_path, seed=seed, base_model=base, data={"collection": name})
        for seed, name in enumerate(("mine", "theirs"), 1)
    }
    for each in made.values():
        shutil.copytree(each.path, engine.settings.layout.checkpoints / each.id)
    engine.catalog.aliases.set("default", made["theirs"].id)
    engine.live_collections.read_aliases()
    assert checkpoint_of(engine, base) == made["theirs"].id
    assert engine.models.within(base, mine) == made["mine"].id
    cards = {card.id: card.root for card in engine.models.cards(mine)}
    assert (cards[base], "default" in cards) == (made["mine"].id, False)
    assert engine.models.card("small", mine).root == made["mine"].id
    with pytest.raises(UnknownModelError):
        engine.models.within(base, Reach(("other",)))


def test_names_of_what_is_another_s_or_gone_are_unknown_to_a_key_of_some_collections(
    engine: Engine,
) -> None:
    reach = Reach(("mine",))
    assert engine.models.within("default", reach) == "default"
    engine.create("default")
    for name in ("default", "default-embedding", "ada", "lost", "shop"):
        with pytest.raises(UnknownModelError):
            engine.models.within(name, reach)
    assert engine.models.within("default", Reach(("default",))) == "default"
    assert [alias.name for alias in engine.models.aliases(reach)] == ["tiny-by-id"]
    assert {card.id for card in engine.models.cards(reach)} & {"default", "ada"} == set()
