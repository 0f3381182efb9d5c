"""Small raw data: ten documents, and queries that all tell different words."""

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment, Query
from molt.training.data.raw import RawData

WORDS = ["amber", "birch", "cedar", "daisy", "ember", "fern", "grape", "hazel", "iris", "jade"]
DOCUMENTS = tuple(Document(f"d{at}", f"all about {word}") for at, word in enumerate(WORDS))


def three_splits() -> RawData:
    """Four queries of train and three each of dev and test, each with one relevant document."""
    splits = ["train"] * 4 + ["dev"] * 3 + ["test"] * 3
    return RawData(
        documents=DOCUMENTS,
        queries=tuple(Query(f"q{at}", f"what is {word}") for at, word in enumerate(WORDS)),
        judgments=tuple(Judgment(f"q{at}", f"d{at}", 1, split) for at, split in enumerate(splits)),
    )


def many_queries(count: int = 100) -> RawData:
    """Queries without a split, each of words of its own."""
    return RawData(
        documents=DOCUMENTS,
        queries=tuple(Query(f"q{at:03}", f"word{at} term{at}") for at in range(count)),
        judgments=tuple(Judgment(f"q{at:03}", f"d{at % 10}", 1) for at in range(count)),
    )
