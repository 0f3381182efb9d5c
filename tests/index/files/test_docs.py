import json
import re

import pytest

from molt.index.catalog import fields
from molt.index.catalog.events import read_event
from molt.index.catalog.judgments import (
    MAX_GRADE,
    Judgment,
    Pair,
    Query,
    encode_judgment,
    encode_pair,
    encode_query,
)
from molt.index.files import columns, compression, row, table
from molt.index.files.judged.grades import GRADE_WORDS
from tests.paths import DOCS

PAGE = (DOCS / "data.md").read_text()


@pytest.mark.parametrize(
    ("record", "column", "names"),
    [
        ("document", "id", columns.IDS),
        ("document", "title", columns.TITLES),
        ("document", "text", columns.TEXTS),
        ("query", "id", row.QUERY_IDS),
        ("query", "text", row.QUERY_TEXTS),
        ("judgment", "query id", row.JUDGED_QUERIES),
        ("judgment", "document id", row.JUDGED_DOCUMENTS),
        ("judgment", "grade", row.GRADES),
    ],
)
def test_every_name_of_a_column_is_documented_in_its_order(
    record: str, column: str, names: tuple[str, ...]
) -> None:
    assert f"| {record} | {column} | {', '.join(f'`{name}`' for name in names)} |" in PAGE


def test_every_grade_in_words_is_documented() -> None:
    page = (DOCS / "judgments.md").read_text()
    found = re.findall(r"`(\w[\w ]*)` (\d)", page)
    assert {word.lower(): int(grade) for word, grade in found} == GRADE_WORDS


def test_every_format_is_documented() -> None:
    known = {*table.READERS, *compression.PACKINGS}
    assert set(re.findall(r"`(\.[a-z0-9]+)`", PAGE)) == known


def test_every_limit_is_documented() -> None:
    for limit in (fields.MAX_ID_CHARS, fields.MAX_TEXT_CHARS, fields.MAX_METADATA_BYTES):
        assert f"{limit:,}" in PAGE
    assert f"{fields.MAX_METADATA_DEPTH} levels" in PAGE
    assert f"from 0 to {MAX_GRADE}" in PAGE


def test_the_examples_are_accepted() -> None:
    judgments, events = (
        json.loads(block.split("\n", 1)[1])
        for block in re.findall(r"```\n(POST .*?)```", PAGE, re.DOTALL)
    )
    for query in judgments["queries"]:
        encode_query(Query(**query))
    for judgment in judgments["judgments"]:
        encode_judgment(Judgment(**judgment))
    for pair in judgments["pairs"]:
        encode_pair(Pair(**pair))
    (event,) = map(read_event, events)
    assert (event.object_id, event.position) == ("d7", 3)
