"""Synonyms in the catalog: kept as a whole, with a version that counts their changes."""

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.judging.curations import Curation, SearchDefaults
from molt.index.catalog.judging.synonyms import KeptRules
from molt.index.errors import CollectionNotFoundError, PreconditionFailedError


@pytest.fixture(autouse=True)
def shop(catalog: Catalog) -> None:
    catalog.collections.create("shop")


def test_rules_replace_all_that_were_there_and_the_version_counts(catalog: Catalog) -> None:
    assert catalog.synonyms.named("shop") == KeptRules(0, None)
    assert catalog.synonyms.put("shop", "[1]") == KeptRules(1, "[1]")
    assert catalog.synonyms.put("shop", "[2]") == KeptRules(2, "[2]")
    assert catalog.synonyms.put("shop", "[2]") == KeptRules(2, "[2]")
    assert catalog.synonyms.put("shop", None) == KeptRules(3, None)
    assert catalog.synonyms.get(catalog.collections.get("shop")) == KeptRules(3, None)


def test_a_change_of_another_version_is_refused_and_says_which_there_is(catalog: Catalog) -> None:
    catalog.synonyms.put("shop", "[1]", match=frozenset({0}))
    with pytest.raises(PreconditionFailedError, match="at version 1") as error:
        catalog.synonyms.put("shop", "[2]", match=frozenset({0, 2}))
    assert error.value.revision == 1
    assert catalog.synonyms.named("shop").rules == "[1]"


def test_curations_boosts_and_synonyms_leave_each_other_alone(catalog: Catalog) -> None:
    catalog.synonyms.put("shop", "[1]")
    catalog.curations.boost("shop", "[2]")
    catalog.curations.put("shop", Curation("boots", ("a",)), most=9)
    catalog.synonyms.put("shop", "[3]")
    (defaults,) = catalog.curations.defaults().values()
    assert defaults == SearchDefaults(curated=1, boosts="[2]", synonyms=2)


def test_synonyms_go_with_their_collection(catalog: Catalog) -> None:
    catalog.synonyms.put("shop", "[1]")
    catalog.collections.delete("shop")
    with pytest.raises(CollectionNotFoundError):
        catalog.synonyms.named("shop")
    with pytest.raises(CollectionNotFoundError):
        catalog.synonyms.put("shop", "[1]")
    catalog.collections.create("shop")
    assert catalog.synonyms.named("shop") == KeptRules()
