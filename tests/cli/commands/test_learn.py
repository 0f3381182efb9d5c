"""`molt learn` and `molt events` over a home in which simulated users have searched."""

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.judging.kept_searches import KeptSearch, SearchRetention
from molt.index.catalog.judging.learnt import CLICKS, learnt_query_id
from molt.index.catalog.judgments import Judgment, Query
from tests.cli.conftest import Molt
from tests.training.clicks.simulated import DOCUMENTS, Simulation, click_by_position, simulate

NOW = datetime.now(UTC).replace(microsecond=0)
MORE = "impression"


def use(home: Path, made: Simulation, *, impressions: bool = True) -> None:
    """Keep what was simulated as searches, and events of UBI; every tenth search has no event."""
    log = made.log
    searches, events = [], []
    for row in range(len(log)):
        at = NOW - timedelta(days=30) + timedelta(seconds=float(made.at[row]))
        shown = [f"d{pair % DOCUMENTS}" for pair in log.pairs[row]]
        query = f"query {made.queries[row]}"
        searches.append(KeptSearch(f"s{row}", at, query, "hybrid", tuple(shown)))
        if row % 10 == 0:
            continue
        client = f"client {made.users[row]}"
        done = [(MORE, shown[0])] * impressions
        done += [("click", shown[column]) for column in np.flatnonzero(log.clicks[row])]
        events += [
            Event(action, at, query_id=f"s{row}", client_id=client, object_id=doc_id)
            for action, doc_id in done
        ]
    with closing(open_catalog(home_url(home))) as catalog:
        shop = catalog.collections.create("shop")
        catalog.documents.upsert(
            shop, [Document(f"d{number}", f"text {number}") for number in range(DOCUMENTS)]
        )
        catalog.searches.append(shop, searches, retention=SearchRetention())
        catalog.events.append(shop, events)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Simulation]:
    """A home and what was done there, made once; each test copies it."""
    home = tmp_path_factory.mktemp("used") / "home"
    home.mkdir()
    made = simulate(click_by_position, searches=3000, seed=1, programs=300)
    use(home, made)
    return home, made


@pytest.fixture
def made(home: Path, used: tuple[Path, Simulation]) -> Simulation:
    """What was done in `home`."""
    shutil.copytree(used[0], home)
    return used[1]


def test_what_was_understood_is_shown_and_nothing_is_kept(molt: Molt, made: Simulation) -> None:
    done = molt("learn", "shop")
    assert done.status == 0, done.stderr
    told = dict(line.split("\t") for line in done.stdout.splitlines())
    assert told["model"] == "position-based"
    assert told["examined, by rank"].split()[0] == "1.00"
    assert "Nothing was kept; `molt learn shop --write` keeps" in done.stderr
    assert molt("--json", "judgments", "count", "shop").value["judgments"] == 0


def test_judgments_are_kept_replaced_and_deleted_by_their_source(
    molt: Molt, made: Simulation
) -> None:
    value = molt("--json", "learn", "shop", "--write").value
    count = sum(value["judgments"].values())
    assert (value["written"], value["replaced"]) == (True, 0)
    assert set(value["judgments"]) == {"0", "1", "2", "3"}
    assert value["left_out"]["unseen"] == 330
    assert value["left_out"]["clicks_all"] > 100
    assert molt("--json", "learn", "shop", "--write").value["replaced"] == count
    listed = molt("--json", "judgments", "list", "shop", "--source", "clicks", "--limit", "9999")
    grades = {(one["query_id"], one["doc_id"]): one["grade"] for one in listed.value["judgments"]}
    assert len(grades) == count
    texts = {one["id"]: one for one in molt("--json", "queries", "list", "shop").value["queries"]}
    truth = {
        (learnt_query_id(CLICKS, f"query {pair // DOCUMENTS}"), f"d{pair % DOCUMENTS}"): grade
        for pair, grade in enumerate(made.grades.tolist())
    }
    best = [truth[place] for place, grade in grades.items() if grade == 3]
    worst = [truth[place] for place, grade in grades.items() if grade == 0]
    assert np.mean(best) > 2
    assert np.mean(worst) < 0.5
    assert all(one["metadata"]["source"] == "clicks" for one in texts.values())
    gone = molt("--json", "judgments", "delete", "shop", "--source", "clicks", "--yes").value
    assert gone == {"deleted": count}


def test_what_people_have_judged_is_left_to_them(molt: Molt, home: Path, made: Simulation) -> None:
    with closing(open_catalog(home_url(home))) as catalog:
        shop = catalog.collections.get("shop")
        judgments = [Judgment("mine", f"d{number}", 0, "test") for number in range(DOCUMENTS)]
        queries = [Query("mine", "QUERY  7")]
        catalog.judgments.put(shop, queries=queries, judgments=judgments)
    value = molt("--json", "learn", "shop", "--write").value
    assert value["judged_by_people"] > 0
    learnt = learnt_query_id(CLICKS, "query 7")
    kept = molt("--json", "judgments", "list", "shop", "--query", learnt).value
    assert kept["judgments"] == []


def test_a_query_that_is_searched_too_seldom_is_not_judged(molt: Molt, home: Path) -> None:
    home.mkdir()
    use(home, simulate(click_by_position, searches=300, seed=4))
    assert molt("--json", "learn", "shop").value["queries"] > 0
    value = molt("--json", "learn", "shop", "--min-searches", "301").value
    assert (value["queries"], value["judgments"]) == (0, {})
    assert any("nothing is sure enough" in one for one in value["remarks"])


def test_without_impressions_searches_without_events_count(molt: Molt, home: Path) -> None:
    home.mkdir()
    use(home, simulate(click_by_position, searches=1000, seed=2), impressions=False)
    value = molt("--json", "learn", "shop").value
    assert value["left_out"]["unseen"] < 10
    assert value["without_events"] >= 100


def test_a_ranking_that_never_changes_is_said_to_tell_little(molt: Molt, home: Path) -> None:
    home.mkdir()
    made = simulate(click_by_position, searches=500, seed=3)
    np.asarray(made.log.pairs)[:] = np.arange(10) + made.queries[:, None] * DOCUMENTS
    use(home, made)
    done = molt("learn", "shop")
    assert "Only 0% of what was shown are documents that came at several ranks" in done.stderr


def test_too_few_clicks_are_an_error_that_says_what_to_send(molt: Molt, home: Path) -> None:
    home.mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.create("shop")
    done = molt("learn", "shop")
    assert done.status == 1
    assert "has 0 clicks on 0 kept searches" in done.stderr
    assert "POST /events" in done.stderr


def counted(molt: Molt) -> tuple[int, int]:
    value = molt("--json", "events", "count", "shop").value
    return value["events"], value["searches"]


def test_what_one_user_did_is_deleted(molt: Molt, made: Simulation) -> None:
    mine = (made.users == made.users[1]) & (np.arange(len(made.log)) % 10 > 0)
    events, searches = counted(molt)
    assert searches == 3300
    gone = molt(
        "--json", "events", "delete", "shop", "--client", f"client {made.users[1]}", "--yes"
    ).value
    assert gone["searches"] == mine.sum()
    assert counted(molt) == (events - gone["events"], searches - gone["searches"])


def test_an_answer_of_no_deletes_nothing(molt: Molt, home: Path) -> None:
    home.mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        clicked = Event("click", NOW, query_id="s1", client_id="ann", object_id="d1")
        catalog.events.append(catalog.collections.create("shop"), [clicked])
    refused = molt("events", "delete", "shop", "--client", "ann", stdin="n\n")
    assert refused.status == 1
    assert "Delete what this user did in shop?" in refused.stderr
    assert counted(molt) == (1, 0)
    assert molt("events", "delete", "shop", "--client", "ann", stdin="y\n").status == 0
    assert counted(molt) == (0, 0)


@pytest.mark.parametrize("given", [(), ("--client", "a", "--user", "b")])
def test_whose_events_to_delete_has_to_be_named_once(molt: Molt, given: tuple[str, ...]) -> None:
    done = molt("events", "delete", "shop", *given)
    assert done.status == 1
    assert "by one of --client, --user and --session" in done.stderr
