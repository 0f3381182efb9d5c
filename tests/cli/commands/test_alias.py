from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from tests.cli.conftest import Molt


@pytest.fixture
def settled(molt: Molt, tiny_checkpoint: Path) -> str:
    """A home with one checkpoint; its id."""
    assert molt("checkpoints", "add", str(tiny_checkpoint)).status == 0
    return tiny_checkpoint.name


def test_an_alias_is_set_listed_and_removed(molt: Molt, settled: str) -> None:
    made = molt("--json", "alias", "set", "text-embedding-3-small", "default")
    assert made.value == {
        "name": "text-embedding-3-small",
        "model": "default",
        "source": "catalog",
    }
    names = [each["name"] for each in molt("--json", "alias", "list").value["aliases"]]
    assert names == ["default-embedding", "text-embedding-3-small"]
    assert "text-embedding-3-small\tdefault\tcatalog" in molt("alias", "list").stdout
    assert molt("alias", "remove", "text-embedding-3-small").status == 0
    again = molt("alias", "remove", "text-embedding-3-small")
    assert (again.status, "molt alias list" in again.stderr) == (1, True)


def test_an_alias_of_nothing_is_refused(molt: Molt, settled: str) -> None:
    done = molt("alias", "set", "ada", "gpt-9")
    assert done.status == 1
    assert "gpt-9" in done.stderr


def test_a_checkpoint_that_an_alias_stands_for_is_not_removed(
    molt: Molt, home: Path, settled: str, monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Path
) -> None:
    molt("alias", "set", "ada", settled)
    _forget_default(home)
    refused = molt("checkpoints", "remove", settled)
    assert (refused.status, "the alias 'ada' stands for it" in refused.stderr) == (1, True)
    molt("alias", "remove", "ada")
    monkeypatch.setenv("MOLT_MODELS__ALIASES", f'{{"lovelace": "{settled}"}}')
    refused = molt("checkpoints", "remove", settled)
    assert (refused.status, "'lovelace'" in refused.stderr) == (1, True)
    assert molt("collections", "create", "lovelace").status == 1
    monkeypatch.delenv("MOLT_MODELS__ALIASES")
    assert molt("checkpoints", "remove", settled).status == 0


def test_a_check_names_an_alias_whose_checkpoint_is_gone(
    molt: Molt, settled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert molt("check").status == 0
    monkeypatch.setenv("MOLT_MODELS__ALIASES", '{"ada": "ffffffffffffffff"}')
    done = molt("check")
    assert done.status == 1
    assert "is what the alias 'ada' stands for, and missing" in done.stdout + done.stderr


def _forget_default(home: Path) -> None:
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.aliases.set("default", "0" * 16)
