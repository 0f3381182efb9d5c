"""The documentation names every route, error and metric that there is, and no other."""

import re

import yaml
from starlette.testclient import TestClient

from molt.app.errors import _KINDS, HTTP
from molt.app.http.connections.refusals import (
    SLOW_BODY,
    SLOW_HEAD,
    TOO_MANY,
    head_too_large,
    no_http,
)
from molt.app.http.observation import INTERNAL
from molt.engine.sections import LimitSettings
from tests.paths import DOCS

ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`]*)`")
CODE_ROW = re.compile(r"^\| (\d{3}) \| ([^|]+) \|", re.MULTILINE)
METRIC = re.compile(r"^\| `(molt_\w+)` \| (\w+) \|", re.MULTILINE)


def test_every_route_is_documented_and_every_documented_route_exists(shop: TestClient) -> None:
    paths = shop.get("/openapi.json").json()["paths"]
    existing = {(method.upper(), path) for path, item in paths.items() for method in item}
    documented = set(ROUTE.findall((DOCS / "api.md").read_text()))
    assert documented == existing


def test_every_error_code_is_documented_with_its_status() -> None:
    documented = {
        (int(status), code)
        for status, codes in CODE_ROW.findall((DOCS / "api.md").read_text())
        for code in re.findall(r"`(\w+)`", codes)
    }
    chosen = {(status, code) for status, (code, _) in HTTP.items()}
    internal = {(INTERNAL.status, INTERNAL.code)}
    refusals = (SLOW_HEAD, SLOW_BODY, TOO_MANY, head_too_large(LimitSettings()), no_http(""))
    refused = {(failure.status, failure.code) for failure in refusals}
    assert documented == chosen | internal | refused | set(_KINDS.values())


def test_every_metric_is_documented_with_its_type(shop: TestClient) -> None:
    shop.get("/search", params={"q": "boots"})
    types = re.findall(r"^# TYPE (molt_\w+) (\w+)$", shop.get("/metrics").text, re.MULTILINE)
    assert set(METRIC.findall((DOCS / "metrics.md").read_text())) == set(types)


def test_alerts_ask_for_metrics_that_there_are_and_say_what_to_do() -> None:
    (group,) = yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]
    known = dict(METRIC.findall((DOCS / "metrics.md").read_text()))
    for rule in group["rules"]:
        asked = re.findall(r"\bmolt_\w+", rule["expr"])
        assert asked or rule["expr"] == 'up{job="molt"} == 0'
        for name in asked:
            family = name.removesuffix("_bucket")
            assert family in known, name
            assert (name != family) == (known[family] == "histogram"), name
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "action"}


def test_every_metric_that_is_worth_an_alert_has_a_rule() -> None:
    told = (DOCS / "metrics.md").read_text().partition("Worth an alert:")[2]
    rules = (DOCS / "alerts.yml").read_text()
    for name in re.findall(r"molt_\w+", told):
        assert f" {name}" in rules or f"({name}" in rules, name
