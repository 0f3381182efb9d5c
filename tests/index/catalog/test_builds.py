import pytest
from sqlalchemy.exc import IntegrityError

from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.collection import Collection


def test_a_build_is_found_by_its_job_and_by_its_generation(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.builds.begin(catalog_collection, job="j1", generation="g1")
    catalog.builds.begin(catalog_collection, job="j2", generation="g2")
    assert [catalog.builds.of(job) for job in ("j1", "j2")] == ["g1", "g2"]
    assert catalog.builds.jobs() == {"g1": "j1", "g2": "j2"}


def test_a_build_outlives_the_process_that_began_it(
    catalog: Catalog, catalog_collection: Collection, catalog_url: str
) -> None:
    catalog.builds.begin(catalog_collection, job="j1", generation="g1")
    again = open_catalog(catalog_url)
    assert again.builds.of("j1") == "g1"
    again.close()


def test_a_build_that_ended_is_forgotten_and_no_other(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.builds.begin(catalog_collection, job="j1", generation="g1")
    catalog.builds.begin(catalog_collection, job="j2", generation="g2")
    catalog.builds.end("j1")
    assert catalog.builds.of("j1") is None
    assert catalog.builds.jobs() == {"g2": "j2"}


def test_what_never_began_may_end(catalog: Catalog) -> None:
    catalog.builds.end("j1")
    assert catalog.builds.of("j1") is None


@pytest.mark.parametrize(("job", "generation"), [("j1", "g2"), ("j2", "g1")])
def test_a_job_makes_one_generation_and_a_generation_is_made_by_one_job(
    catalog: Catalog, catalog_collection: Collection, job: str, generation: str
) -> None:
    catalog.builds.begin(catalog_collection, job="j1", generation="g1")
    with pytest.raises(IntegrityError):
        catalog.builds.begin(catalog_collection, job=job, generation=generation)
    assert catalog.builds.jobs() == {"g1": "j1"}


def test_the_builds_of_a_collection_go_with_it(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    other = catalog.collections.create("other")
    catalog.builds.begin(catalog_collection, job="j1", generation="g1")
    catalog.builds.begin(other, job="j2", generation="g2")
    catalog.collections.delete("default")
    assert catalog.builds.jobs() == {"g2": "j2"}
