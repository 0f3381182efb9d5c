import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Split
from molt.training.evaluation.html import render
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.report import Curves, Report
from tests.training.judging import Evaluate, corpus_of

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>\0\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}"
VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Every tag with its attributes, and whether all that were opened were closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def hostile(evaluated: Evaluate) -> Report:
    """Every text of a user is an attack, and both directions of change have examples."""
    documents = [
        Document(f"{HOSTILE}{at}", f"{HOSTILE} word{at} one{at}", HOSTILE, {HOSTILE: HOSTILE})
        for at in range(24)
    ]
    queries = {
        f"{HOSTILE}{at}": Query(
            f"{HOSTILE}{at}", f"{HOSTILE} one{at}", {HOSTILE: [HOSTILE, at % 2]}
        )
        for at in range(24)
    }
    qrels = {f"{HOSTILE}{at}": {f"{HOSTILE}{at}": 1} for at in range(24)}
    trial = Trial(
        HOSTILE, corpus_of(*documents), Split(queries, qrels), digest=HOSTILE,
        data_card={HOSTILE: [HOSTILE, {HOSTILE: 1}], "rows": [{HOSTILE: HOSTILE}]},
    )  # fmt: skip
    return evaluated(trial, slices=(HOSTILE,), group=HOSTILE)


@pytest.fixture
def whole(evaluated: Evaluate) -> Report:
    """A report with everything that a report may have."""
    curves = Curves(loss=((0, 1.5), (10, 0.5)), dev=((0, 0.2), (1, 0.3)))
    found = evaluated(slices=("kind",), group="shop")
    return replace(found, curves=curves, data_card={"dropped": {"empty": 2}, "kept": [1, None]})


def test_hostile_texts_become_no_tags(hostile: Report) -> None:
    text = render(hostile)
    assert "&lt;script&gt;alert(1)" in text
    tags = {tag for tag, _ in Page(text).tags}
    assert not tags & {"script", "img", "iframe", "object", "a", "link", "base", "form"}
    attributes = {name for _, attributes in Page(text).tags for name in attributes}
    assert not {name for name in attributes if name.startswith("on")}


def test_hostile_characters_are_shown_rather_than_obeyed(hostile: Report) -> None:
    text = render(hostile)
    kinds = {char: unicodedata.category(char) for char in set(text)} | {"\n": "", "\t": ""}
    assert "Cc" not in kinds.values()
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert "\N{REPLACEMENT CHARACTER}" in text


def test_a_lone_surrogate_does_not_stop_the_page(whole: Report) -> None:
    text = render(replace(whole, data_card={"bad": "\ud800"}))
    assert text.encode("utf-8")


def test_the_page_asks_for_nothing(whole: Report) -> None:
    text = render(whole)
    for tag, attributes in Page(text).tags:
        assert not {"src", "srcset", "action"} & attributes.keys(), tag
        for name, value in attributes.items():
            if name.endswith("href"):
                assert value is not None
                assert value.startswith("#")
    assert not re.search(r"@import|url\((?!#)", text)
    assert "default-src 'none'" in text


def test_the_page_is_well_formed(whole: Report, hostile: Report) -> None:
    for report in (whole, hostile, replace(whole, comparisons=(), baseline=None)):
        assert Page(render(report)).open == []


def test_the_verdict_comes_before_everything_else(whole: Report) -> None:
    text = render(whole)
    assert text.index("Worse</h2>") < text.index("<table")
    assert re.search(r"nDCG@10 falls by 0\.\d{4}", text)


def test_every_part_of_a_report_is_on_the_page(whole: Report) -> None:
    text = render(whole)
    headings = re.findall(r"<h[2-4]>(.*?)</h", text)
    assert {
        "Worse", "Measures", "Query by query", "Slices", "By kind", "Exposure by shop",
        "Most improved queries", "Most worsened queries", "Checkpoints", "Training", "Data",
        "How this was measured",
    } <= set(headings)  # fmt: skip
    assert text.count("<figure>") == 4
    for name in whole.candidates[0].measures:
        assert f"<td>{name}</td>" in text


def test_the_page_names_late_interaction_where_it_was_learnt(whole: Report) -> None:
    said = "late interaction&#39;s, which trains token vectors."
    assert said not in render(whole)
    assert whole.curves is not None
    curves = replace(whole.curves, late_interaction=((0, 0.5), (10, 0.25)))
    page = render(replace(whole, curves=curves))
    assert said in page
    assert len(page) > len(render(whole)) + len(said)


def test_without_a_baseline_the_page_compares_nothing(whole: Report) -> None:
    alone = replace(whole, baseline=None, comparisons=())
    alone = replace(
        alone,
        candidates=tuple(
            replace(each, slices=tuple(replace(one, difference=None, p=None, baseline=None)
                                       for one in each.slices))
            for each in alone.candidates
        ),
    )  # fmt: skip
    text = render(alone)
    assert "without a baseline" in text
    assert "Most improved" not in text
    assert ">difference<" not in text


def test_plots_take_their_colours_from_the_page(whole: Report) -> None:
    text = render(whole)
    figures = "".join(re.findall(r"<figure>.*?</figure>", text, flags=re.S))
    assert "var(--good)" in figures
    assert not re.search(r"#[0-9a-f]{6}\b", figures.replace('"#', '"'))


def test_equal_reports_are_equal_pages(whole: Report) -> None:
    assert render(whole) == render(whole)
