"""The page of an inspection: one HTML file without a script, which asks for nothing."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from molt.artifact import write_atomically
from molt.training.evaluation.html import visible
from molt.training.inspecting.faithfulness import AGREEING
from molt.training.inspecting.imitating import TREE_DEPTH
from molt.training.inspecting.inspection import Inspection, MethodView
from molt.training.inspecting.layers import LayerSeparation, best_layer

INSPECTION_HTML, INSPECTION_JSON = "inspection.html", "inspection.json"
_PACKAGE = "molt.training.inspecting"
_SHADES = 5
_LEFT, _WIDTH, _TOP, _HEIGHT = 40, 540, 20, 170


def write_inspection(found: Inspection, folder: Path) -> Path:
    """Write both files into a folder, which is made; returns the page. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    body = json.dumps(found.to_json(), indent=1, allow_nan=False)
    write_atomically(folder / INSPECTION_JSON, body.encode("ascii"))
    write_atomically(folder / INSPECTION_HTML, draw_inspection(found).encode("utf-8"))
    return folder / INSPECTION_HTML


def draw_inspection(found: Inspection) -> str:
    """The whole page."""
    style, layers = _style(), found.layers
    floor = min(0.5, *(one.auc for one in layers)) if layers else 0.5
    return (
        _environment()
        .get_template("inspection.html.j2")
        .render(
            found=found,
            style=Markup(style),  # noqa: S704  our own
            style_hash=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
            heat=_heat,
            agreeing=AGREEING,
            depth=TREE_DEPTH,
            best=best_layer(layers) if layers else None,
            floor=floor,
            curve=_curve(layers, floor),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return (files(_PACKAGE) / "templates" / "inspection.css").read_text(encoding="utf-8")


def _heat(tokens: Sequence[str], view: MethodView) -> Iterator[tuple[str, str]]:
    """Each token with the class that colours it by its share of the greatest score."""
    most = max((abs(score) for score in view.scores), default=0.0) or 1.0
    for token, score in zip(tokens, view.scores, strict=True):
        shade = round(_SHADES * score / most)
        yield token, "" if not shade else f"p{shade}" if shade > 0 else f"m{-shade}"


def _curve(layers: Sequence[LayerSeparation], floor: float) -> str:
    """The AUC of each layer as points of a line, from `floor` to 1."""
    step = _WIDTH / max(len(layers) - 1, 1)
    places = (
        (_LEFT + at * step, _TOP + _HEIGHT * (1 - (one.auc - floor) / (1 - floor)))
        for at, one in enumerate(layers)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
