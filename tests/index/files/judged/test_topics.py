from pathlib import Path

import pytest

from molt.index.catalog.judgments import Query
from molt.index.files import RowError, open_source

CLASSIC = """
<top>

<num> Number: 301
<title> International Organized
Crime

<desc> Description:
Which organizations, with <5 members & more, matter?

<narr> Narrative:
Names are relevant.

</top>
<top>
<num> Number: 302 </num>
<title> Topic: prices a<b and 3 < 4 </title>
</top>
"""
MARKED_UP = """<?xml version="1.0"?>
<topics>
  <topic number="1">
    <query>bread &amp; butter</query><question>what with bread?</question>
    <narrative>spreads</narrative>
  </topic>
  <topic number="2"><title><![CDATA[tea]]></title></topic>
</topics>
"""


def _queries(path: Path, content: str, bad: list[RowError] | None = None) -> list[Query]:
    path.write_text(content)
    reject = [].append if bad is None else bad.append
    return list(open_source(path, reject=reject).queries())


def test_topics_of_tags_that_do_not_close_are_queries(tmp_path: Path) -> None:
    first, second = _queries(tmp_path / "topics.301-450", CLASSIC)
    assert (first.id, first.text) == ("301", "International Organized Crime")
    assert first.metadata == {
        "description": "Which organizations, with <5 members & more, matter?",
        "narrative": "Names are relevant.",
    }
    assert (second.id, second.text) == ("302", "prices a<b and 3 < 4")


def test_topics_in_xml_are_queries(tmp_path: Path) -> None:
    assert _queries(tmp_path / "covid.xml", MARKED_UP) == [
        Query(
            "1",
            "bread & butter",
            {"description": "what with bread?", "narrative": "spreads"},
        ),
        Query("2", "tea"),
    ]


def test_a_topic_without_a_title_is_asked_by_its_description(tmp_path: Path) -> None:
    content = "<top>\n<num> 7\n<desc> Description: why is it so\n</top>\n"
    assert _queries(tmp_path / "topics.txt", content) == [Query("7", "why is it so")]


@pytest.mark.parametrize(
    ("body", "why"),
    [("<title> no number", "the topic has no number"), ("<num> 8", "the topic has no text")],
)
def test_a_topic_that_lacks_something_is_named_by_its_line(
    tmp_path: Path, body: str, why: str
) -> None:
    bad: list[RowError] = []
    content = f"<top>\n<num> 1\n<title> good\n</top>\n<top>\n{body}\n</top>\n"
    assert _queries(tmp_path / "topics.txt", content, bad) == [Query("1", "good")]
    (error,) = bad
    assert error.line == 5
    assert why in error.reason


def test_a_line_that_begins_with_marked_words_goes_on_with_the_part_it_is_in(
    tmp_path: Path,
) -> None:
    content = (
        "<topic number='1'>\n<title>genes</title>\n<field>biology</field>\n"
        "<narrative>of\n<i>Homo sapiens</i> alone,\n</i>no others</narrative>\n</topic>\n"
    )
    (found,) = _queries(tmp_path / "topics.xml", content)
    narrative = "of <i>Homo sapiens</i> alone, </i>no others"
    assert found == Query("1", "genes", {"field": "biology", "narrative": narrative})
