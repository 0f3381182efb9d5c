"""A key of some collections learns nothing of others, on whichever route."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from molt.app.application import NOUNS
from molt.app.http.auth import Access
from molt.app.http.route import Route
from molt.app.http.scope import CollectionPlace, KeyScope
from molt.app.pages.frame.assets import assets
from molt.artifact import write_manifest
from molt.encoder import Prompts
from molt.engine.engine import Engine
from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.judging.experiments.experiment import Arm, Plan
from molt.index.jobs.job import JobKind, JobRequest
from tests.app.serving import BOOTS, service_of, serving
from tests.checkpoints import build_checkpoint
from tests.paths import DOCS

ROUTES = [route for noun in NOUNS for route in noun.router.routes]
CALLS = sorted((method, route.path_format) for route in ROUTES for method in route.methods)
OPEN = [
    (method, path)
    for route in ROUTES
    for method, path in [(method, route.path_format) for method in route.methods]
    if route.scope is not KeyScope.CLOSED
]
REPORT = "abcdef0123456789"


@dataclass(frozen=True)
class Target:
    """A collection, there or not, and the ids of what belongs to it."""

    collection: str
    job: str
    generation: str
    report: str
    checkpoint: str


GHOST = Target("ghost", "0" * 32, "0" * 32, "0" * 16, "0" * 16)


class Mall:
    """A service with two shops, and the key of one of them."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        engine = service_of(client).engine
        self.mine, self.theirs = self._fill(engine, "mine"), self._fill(engine, "theirs")
        key = engine.catalog.keys.create("tenant", Role.ADMIN, reach=Reach.of(["mine", "my-*"]))
        service_of(client).guard._locked_until = 0.0
        client.headers["api-key"] = key

    def _fill(self, engine: Engine, name: str) -> Target:
        assert self.client.post("/collections", json={"name": name}).status_code == 201
        answer = self.client.post(f"/collections/{name}/documents", json={"documents": BOOTS})
        assert answer.json()["indexed"]
        report = REPORT if name == "theirs" else REPORT[::-1]
        folder = engine.settings.layout.reports / report
        folder.mkdir(parents=True)
        (folder / "report.html").write_text(f"<p>{name}</p>")
        at = datetime.now(UTC).isoformat()
        body = {"id": report, "format": 1, "created_at": at, "facts": {"collection": name}}
        write_manifest(folder / "report.json", body)
        found = engine.catalog.collections.get(name)
        job = engine.jobs.ask(JobRequest(JobKind.MERGE, name, collection_id=found.id))
        engine.jobs.cancel(job.id)  # or who follows it would wait for its end
        engine.catalog.failures.note(name, kind="tune", job=job.id, reason=f"{name} is too small")
        engine.catalog.experiments.start(name, Plan(Arm(mode="dense"), Arm()), actor="ops")
        checkpoint = build_checkpoint(
            engine.checkpoints.root,
            prompts=Prompts(query=f"{name}: "),
            data={"collection": name},
            base_model=f"of {name}",
        )
        return Target(name, job.id, str(found.generation), report, checkpoint.id)

    def ask(self, method: str, path: str, target: Target) -> Response:
        """A call that names what belongs to a collection in every place that it has."""
        ids = {
            "/admin/jobs": target.job,
            "/admin/reports": target.report,
            "/admin/checkpoints": target.checkpoint,
            "/console/jobs": target.job,
            "/console/reports": target.report,
        }
        own = next((found for start, found in ids.items() if path.startswith(start)), "d1")
        asset = "start.js" if path.startswith("/docs") else assets()["molt.css"].path[8:]
        names = {"collection": target.collection, "id": own, "asset": asset, "name": "new"}
        models = dict.fromkeys(("model", "deployment"), target.checkpoint)
        body = _body(path, target)
        return self.client.request(
            method,
            path.format(**names, **models),
            params=_query(path, method, target),
            json=None if method == "GET" else body,
        )


def _query(path: str, method: str, target: Target) -> dict[str, str]:
    if path in {"/search", "/suggest"} and method == "GET":
        return {"q": "boots", "collection": target.collection}
    if path == "/admin/experiments" and method == "GET":
        return {"collection": target.collection}
    return {"collection": target.collection} if path in _BY_QUERY else {}


_BY_QUERY = {"/events", "/admin/generations", "/admin/releases", "/admin/jobs"}


def _body(path: str, target: Target) -> dict[str, Any] | None:
    checkpoint = {"checkpoint": target.checkpoint}
    more: dict[str, Any] = {
        "/search": {"query": "boots"},
        "/collections/{collection}/search": {"query": "boots"},
        "/admin/reload": checkpoint,
        "/admin/evaluate": checkpoint,
    }
    whole = {
        "/collections": {"name": target.collection},
        "/v1/embeddings": {"model": target.checkpoint, "input": "boots"},
        "/embeddings": {"model": target.checkpoint, "input": "boots"},
        "/openai/deployments/{deployment}/embeddings": {"input": "boots"},
        **{key: {"inputs": "boots"} for key in ("/", "/embed", "/embed_all", "/tokenize")},
        "/similarity": {"inputs": {"source_sentence": "boots", "sentences": ["socks"]}},
        "/decode": {"ids": [0, 1]},
        "/rerank": {"query": "boots", "texts": ["socks"]},
        **{
            f"/v{n}/rerank": {"model": target.checkpoint, "query": "boots", "documents": ["socks"]}
            for n in (1, 2)
        },
        "/admin/activate": {"generation": target.generation},
        "/events": {"action_name": "click"},
        "/search/batch": {"searches": [{"query": "boots", "collection": target.collection}]},
    }
    return whole.get(path, {"collection": target.collection} | more.get(path, {}))


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mall]:
    with serving(tmp_path_factory.mktemp("mall")) as client:
        yield Mall(client)


def told(answer: Response, target: Target) -> tuple[int, str]:
    """What an answer says but for what was asked, and what differs from call to call."""
    text = answer.text
    for value in vars(target).values():
        text = text.replace(value, "?")
    return answer.status_code, re.sub(r"urn:molt:request:\w+|request <code>\w+", "", text)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_what_is_of_another_collection_is_as_unknown_as_what_is_not_there(
    mall: Mall, method: str, path: str
) -> None:
    if method == "HEAD":
        return
    theirs, ghost = mall.ask(method, path, mall.theirs), mall.ask(method, path, GHOST)
    assert told(theirs, mall.theirs) == told(ghost, GHOST)
    assert "theirs is too small" not in theirs.text


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path in CALLS if method == "GET"]
)
def test_no_answer_names_what_is_of_another_collection(mall: Mall, method: str, path: str) -> None:
    if path in _BY_QUERY or "{" not in path:
        text = mall.client.request(method, path, params={"q": "boots", "collection": "mine"}).text
        text += mall.client.request(method, path).text
    else:
        text = mall.ask(method, path, mall.mine).text
    assert [value for value in vars(mall.theirs).values() if value in text] == []


@pytest.mark.parametrize(("method", "path"), [call for call in OPEN if call[0] != "DELETE"])
def test_what_is_of_its_own_collection_is_told(mall: Mall, method: str, path: str) -> None:
    answer = mall.ask(method, path, mall.mine)
    assert answer.status_code not in {401, 403, 404, 500}, answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [call for call in CALLS if call not in OPEN and call[0] != "HEAD"],
)
def test_a_route_that_declares_no_scope_is_closed(mall: Mall, method: str, path: str) -> None:
    answer = mall.ask(method, path, mall.mine)
    assert answer.status_code == 403
    assert "without --collection" in answer.text


@pytest.mark.parametrize("name", ["mine", "my-second"])
def test_a_scoped_key_makes_collections_that_are_its_own(mall: Mall, name: str) -> None:
    status = mall.client.post("/collections", json={"name": name}).status_code
    assert status == (409 if name == "mine" else 201)


NAMED = [
    (method, route)
    for route in ROUTES
    if route.scope is KeyScope.NAMED
    for method in sorted(route.methods)
]
REPEATING = {"/collections/{collection}/search"}
"""Whose bodies may name the collection of the path again, and no other."""
each_named = pytest.mark.parametrize(
    ("method", "route"), NAMED, ids=[f"{method} {route.path}" for method, route in NAMED]
)


@each_named
def test_a_named_route_declares_the_place_where_its_endpoint_looks(
    method: str, route: Route
) -> None:
    queried = {
        name
        for parameter in route.dependant.query_params
        for name in getattr(parameter.field_info.annotation, "model_fields", {parameter.alias: 0})
    }
    sent = getattr(route.body_field and route.body_field.field_info.annotation, "model_fields", {})
    places = {
        CollectionPlace.PATH: "{collection}" in route.path,
        CollectionPlace.QUERY: "collection" in queried,
        CollectionPlace.BODY: "collection" in sent,
    }
    looked = [place for place, looks in places.items() if looks]
    assert looked == [route.place] or (route.path in REPEATING and route.place in looked)


@each_named
def test_a_collection_that_is_named_where_no_route_looks_opens_nothing(
    mall: Mall, method: str, route: Route
) -> None:
    """There it names its own; where the route looks it names another's, or none: `default`."""
    for named in ({"collection": "theirs"}, {}):
        mine = {"collection": "mine"}
        path = route.path_format.format(collection="theirs", id="d1")
        body = {"query": "boots"} | (named if route.place is CollectionPlace.BODY else mine)
        query = {"q": "boots"} | (named if route.place is CollectionPlace.QUERY else mine)
        if route.place is CollectionPlace.QUERY and method == "POST":
            body |= {"action_name": "click"}
        sent = None if method == "GET" else body
        answer = mall.client.request(method, path, params=query, json=sent)
        assert answer.status_code == 403, answer.text


def test_an_event_may_have_a_field_that_is_called_collection(mall: Mall) -> None:
    event = {"action_name": "click", "collection": "theirs"}
    answer = mall.client.post("/events", json=event, params={"collection": "mine"})
    assert answer.json() == {"accepted": 1}
    params = {"collection": ["mine", "theirs"]}
    assert mall.client.post("/events", json=event, params=params).status_code == 403


@pytest.mark.parametrize("kind", ["retrain", "tune", "evaluate"])
def test_a_teacher_of_another_collection_is_as_unknown_as_none(mall: Mall, kind: str) -> None:
    def ask(teacher: str) -> Response:
        objective = {"positives": "kl", "teacher": teacher}
        body = {"collection": "mine", "config": {"objective": objective}}
        more = {"checkpoint": mall.mine.checkpoint} if kind == "evaluate" else {}
        return mall.client.post(f"/admin/{kind}", json=body | more)

    refused = {teacher: ask(teacher) for teacher in (mall.theirs.checkpoint, GHOST.checkpoint)}
    assert {answer.status_code for answer in refused.values()} == {404}
    assert len({answer.json()["detail"].replace(key, "?") for key, answer in refused.items()}) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"query": "boots"},
        {"query": "boots", "collection": None},
        {"query": "boots", "collection": "theirs"},
    ],
)
def test_naming_one_collection_in_the_query_opens_no_other_in_the_body(
    mall: Mall, body: dict[str, Any]
) -> None:
    assert mall.client.post("/search", json=body).status_code in {403, 422}
    params = {"collection": "mine"}
    if body.get("collection"):
        assert mall.client.post("/search", json=body, params=params).status_code == 403
    answer = mall.client.get("/search?q=boots&collection=mine&collection=theirs")
    assert answer.status_code in {403, 422}


def test_ids_may_be_cut_to_how_they_alone_begin(mall: Mall) -> None:
    mine = mall.mine
    for path, found in (
        ("/admin/jobs", mine.job),
        ("/admin/reports", mine.report),
        ("/admin/checkpoints", mine.checkpoint),
    ):
        answer = mall.client.get(f"{path}/{found[:8]}")
        assert (answer.status_code, answer.json()["id"]) == (200, found)
        assert mall.client.get(f"{path}/{found[:3]}").status_code == 404
    answer = mall.client.post("/admin/activate", json={"generation": mine.generation[:8]})
    assert answer.json()["generation"] == mine.generation


def test_the_routes_of_scoped_keys_are_documented() -> None:
    roles = (DOCS / "roles.md").read_text()
    rows = sorted(
        (path, method, route.scope)
        for route in ROUTES
        for method, path in [(method, route.path_format) for method in route.methods]
        if route.access is not Access.PUBLIC and route.scope is not KeyScope.CLOSED
    )
    table = [f"- `{method} {path}`: {scope}" for path, method, scope in rows]
    assert [line for line in roles.splitlines() if line.startswith("- `")] == table


def test_an_alias_of_another_s_checkpoint_is_no_model(mall: Mall) -> None:
    aliases = service_of(mall.client).engine.catalog.aliases
    aliases.set("theirs-now", mall.theirs.checkpoint)
    body = {"input": "boots"}
    for name in ("theirs-now", mall.theirs.checkpoint, "theirs", "ghost"):
        answer = mall.client.post("/v1/embeddings", json=body | {"model": name})
        assert answer.status_code == 404
    assert mall.client.post("/v1/embeddings", json=body | {"model": "mine"}).status_code == 200


TEI = ("/", "/embed", "/embed_all", "/tokenize", "/similarity", "/decode", "/info")


def test_where_default_is_another_s_what_answers_with_it_is_unknown(mall: Mall) -> None:
    aliases = service_of(mall.client).engine.catalog.aliases
    own = aliases.get("default")
    aliases.set("default", mall.theirs.checkpoint)
    try:
        for path in TEI:
            method = "GET" if path == "/info" else "POST"
            answer = mall.ask(method, path, mall.mine)
            assert answer.status_code == 404, (path, answer.text)
            assert mall.theirs.checkpoint not in answer.text
        models = [one["id"] for one in mall.client.get("/v1/models").json()["data"]]
        assert [name for name in models if name.startswith("default")] == []
    finally:
        aliases.set("default", str(own))
    assert mall.ask("POST", "/embed", mall.mine).status_code == 200


@pytest.mark.parametrize("cut", [8, 16])
def test_a_damaged_checkpoint_is_unknown_whether_or_not_its_whole_id_is_given(
    mall: Mall, cut: int
) -> None:
    engine = service_of(mall.client).engine
    damaged = build_checkpoint(engine.checkpoints.root, seed=9)
    manifest = damaged.path / "checkpoint.json"
    manifest.write_text(manifest.read_text().replace("{", "[", 1))
    answer = mall.client.get(f"/admin/checkpoints/{damaged.id[:cut]}")
    assert answer.status_code == 404
    assert str(damaged.path.parent) not in answer.text
    shutil.rmtree(damaged.path)
