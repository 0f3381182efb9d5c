"""Tuning the searches of a collection by its judged queries, and judging whole searches."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from molt.artifact import Home
from molt.encoder import Checkpoint, Prompts
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.releases import Reason
from molt.index.lexical.analysis import Analysis, write_analysis
from molt.index.lexical.synonyms import SynonymRule, write_synonyms
from molt.index.passages.splitting import Splitting
from molt.index.ranking.fusion import Fusion
from molt.index.ranking.ranking import DEFAULT_RANKING, SearchRanking
from molt.index.ranking.tuning import FACTORS
from molt.training.config import RetrainConfig
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Dataset, Split
from molt.training.evaluation.report import Report
from molt.training.evaluation.store import ReportStore
from molt.worker.tasks import searching
from molt.worker.tasks.__main__ import main
from molt.worker.tasks.judging import judge
from molt.worker.tasks.searching import (
    SearchTuning,
    most_queries,
    spread,
    too_few,
    tune_collection,
)
from molt.worker.tasks.workspace import Workspace
from tests.checkpoints import twin
from tests.faults.learning import home, letters
from tests.training.learning import LETTERS
from tests.training.letters import write_letters

__all__ = ["home", "letters"]

DATA = DataConfig(near_duplicate=1.0)


def tuned(home: Path) -> SearchTuning:
    return tune_collection(Workspace(Home(home)), "letters", data=DATA, progress=lambda *_: None)


def judged(home: Path, base: Checkpoint, *, mode: str) -> tuple[dict[str, Any], Report]:
    """Another checkpoint of little difference against the base, and the report of it."""
    config = RetrainConfig.model_validate({"data": DATA, "evaluation": {"mode": mode}})
    other = twin(home / "checkpoints" / base.id, prompts=Prompts("q ", "q "))
    told = judge(
        Workspace(Home(home)),
        "letters",
        candidate=other,
        baseline=base.id,
        config=config,
        progress=lambda *_: None,
    )
    rmtree(home / "checkpoints" / other)
    return told, ReportStore(home / "reports").read(told["report"])


def test_words_that_find_everything_are_given_more_weight(home: Path) -> None:
    found = tuned(home)
    assert found.ndcg10.keys() == {"dense", "lexical", "hybrid", "tuned", "cross_validated"}
    assert found.ndcg10["lexical"] == 1.0 > found.ndcg10["dense"]
    assert found.ndcg10["hybrid"] < found.ndcg10["tuned"] == 1.0
    assert found.ndcg10["hybrid"] < found.ndcg10["cross_validated"] <= 1.0
    assert found.ranking.fusion.dense is not None
    assert found.ranking.fusion.dense < 0.6
    assert (found.queries, found.former, found.changed) == (20, DEFAULT_RANKING, True)


def all_letters_alike(home: Path) -> None:
    rule = SynonymRule(tuple(LETTERS), tuple(LETTERS))
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.synonyms.put("letters", write_synonyms([rule]))


def no_letter_counts(home: Path) -> None:
    analysis = Analysis(stop_words=tuple(LETTERS))
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.analyse("letters", write_analysis(analysis))


def test_what_serves_is_tuned_with_the_synonyms_that_it_searches_by(home: Path) -> None:
    all_letters_alike(home)
    assert tuned(home).ndcg10["lexical"] < 0.9


@pytest.mark.parametrize("spoil", [all_letters_alike, no_letter_counts])
def test_a_candidate_is_tuned_with_the_analysis_and_the_synonyms_of_the_collection(
    home: Path, base: Checkpoint, spoil: Callable[[Path], None]
) -> None:
    spoil(home)
    told, _ = judged(home, base, mode="serving")
    assert told["tuning"]["ndcg10"]["lexical"] < 0.9


def test_as_many_queries_are_searched_for_as_there_is_time_for_by_each_weight_of_each_field(
    home: Path,
) -> None:
    weights = {f"field{at}": 1.0 for at in range(16)}
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("letters")
        assert most_queries(collection) == searching.MOST_QUERIES
        analysis = write_analysis(Analysis(weights=weights))
        many = catalog.collections.analyse("letters", analysis)
    assert most_queries(many) * (1 + 17 * (len(FACTORS) - 1)) <= searching.MOST_SEARCHES


def test_a_re_ranker_that_gains_nothing_is_measured_and_left_off(home: Path) -> None:
    found = tuned(home)
    assert found.reranker is not None
    assert (found.reranker.tuned.weight, found.reranker.tuned.queries) == (None, 20)
    assert found.ranking.rerank is None


def test_what_is_found_is_told_as_one_line_of_json(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune-search", "letters", "--home", str(home)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line).keys() == {
        *("queries", "ndcg10", "reranker", "rerankers", "former", "ranking", "changed", "reason"),
    }


def test_with_too_few_judged_queries_nothing_is_changed_and_it_is_said_how_many_are_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "FEWEST_QUERIES", 25)
    found = tuned(home)
    assert (found.changed, found.ranking, dict(found.ndcg10)) == (False, DEFAULT_RANKING, {})
    assert "has 20 judged queries" in str(found.reason)
    assert "at least 5 more queries" in str(found.reason)
    assert too_few(25) is None


def test_what_is_not_indexed_is_not_tuned(
    tmp_path: Path, base: Checkpoint, dataset: Dataset
) -> None:
    write_letters(tmp_path, base=base, dataset=dataset)
    found = tuned(tmp_path)
    assert not found.changed
    assert "index its documents first" in str(found.reason)


def test_of_many_queries_an_even_part_is_used(dataset: Dataset) -> None:
    split = replace(dataset.dev, queries={f"q{at:03}": None for at in range(100)})
    assert isinstance(split, Split)
    assert spread(split, most=4) == ["q000", "q025", "q050", "q075"]
    assert len(spread(split)) == 100


def test_what_serves_is_judged_by_meaning_and_words_where_there_is_a_lexical_index(
    home: Path, base: Checkpoint
) -> None:
    told, report = judged(home, base, mode="serving")
    assert report.plan.mode == "hybrid"
    assert told["ranking"] == report.candidates[0].ranking != DEFAULT_RANKING.describe()
    assert told["tuning"]["queries"] == 20
    assert report.baseline is not None
    assert report.baseline.ranking == DEFAULT_RANKING.describe()
    rmtree(home / "lexical")
    told, report = judged(home, base, mode="serving")
    assert (report.plan.mode, told["ranking"], told["tuning"]) == ("dense", None, None)
    assert judged(home, base, mode="hybrid")[1].plan.mode == "hybrid"


def test_the_encoder_alone_is_judged_where_that_is_wanted(home: Path, base: Checkpoint) -> None:
    told, report = judged(home, base, mode="dense")
    assert (report.plan.mode, told["ranking"]) == ("dense", None)
    assert report.candidates[0].alone is None


def test_what_serves_now_is_judged_by_the_ranking_that_it_has(home: Path, base: Checkpoint) -> None:
    with closing(open_catalog(home_url(home))) as catalog:
        stored = SearchRanking(Fusion(dense=0.9))
        catalog.collections.retune("letters", stored, reason=Reason())
    _, report = judged(home, base, mode="serving")
    assert report.baseline is not None
    assert report.baseline.ranking == stored.describe()
    assert report.tuning is not None
    assert report.tuning["former"] == stored.describe()


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
def test_texts_are_split_as_the_generation_that_serves_has_them_or_a_new_one_would(
    home: Path, base: Checkpoint, mode: str
) -> None:
    splitting = Splitting(tokens=16, overlap=2)
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.split("letters", splitting)
    _, report = judged(home, base, mode=mode)
    assert report.baseline is not None
    assert report.baseline.splitting is None
    assert report.candidates[0].splitting == splitting.describe()


def test_with_too_few_dev_queries_a_candidate_is_judged_as_it_would_be_fused_and_that_is_noted(
    home: Path, base: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "FEWEST_QUERIES", 25)
    told, report = judged(home, base, mode="serving")
    assert report.candidates[0].ranking == DEFAULT_RANKING.describe()
    assert told["ranking"] is None
    assert "too few to tune a search by" in told["notes"][0]


def test_what_serves_is_compared_with_itself_as_it_is(home: Path, base: Checkpoint) -> None:
    config = RetrainConfig.model_validate({"data": DATA})
    both = {"candidate": base.id, "baseline": base.id}
    told = judge(Workspace(Home(home)), "letters", **both, config=config, progress=lambda *_: None)
    report = ReportStore(home / "reports").read(told["report"])
    assert report.plan.mode == "hybrid"
    assert (told["ranking"], told["tuning"]) == (None, None)
    assert report.candidates[0].measures == report.baseline.measures
