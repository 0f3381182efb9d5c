"""The data card as a person reads it: Markdown, made from what `card.json` holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_REJECTED = 20
_Values = Mapping[str, Any]


def render_card(card: _Values) -> str:
    """The card as Markdown. Long lists are cut; `card.json` has them whole."""
    parts = [
        "# Data card",
        f"Dataset `{card['digest']}`",
        "## Sources",
        _table(("source", "rows", "bad rows", "SHA-256"), map(_origin, card["origins"])),
        *_listed("Bad rows", card["rejected"]),
        *_listed("Not used, or read otherwise", card.get("remarks", ())),
        "## Steps",
        _table(tuple(card["steps"][0]), (tuple(step.values()) for step in card["steps"])),
        "## Dropped",
        _findings(card["dropped"]),
        "## Changed or worth knowing",
        _findings(card["changed"]),
        "## Splits",
        _table(_SPLIT, (_split(*named) for named in card["splits"].items())),
        "## Tasks",
        _table(_TASK, map(_task, card["tasks"])),
        "## Lengths",
        _lengths(card["lengths"]),
        "## Leakage",
        _LEAKAGE.format_map(card["leakage"]),
        "## Configuration",
        _table(("key", "value"), card["config"].items()),
    ]
    return "\n\n".join(parts) + "\n"


_LEAKAGE = (
    "None: {train} queries of train and {tasks} of its tasks were compared with {dev} of dev and "
    "{test} of test, and dev with test. No two are equal or share {threshold:.0%} of their words."
)
_SPLIT = ("split", "queries", "judgments", "judgments by grade", "queries by relevant documents")
_TASK = ("task", "kind", "examples", "queries", "weights (least, median, largest)", "effective")


def _origin(origin: _Values) -> Sequence[object]:
    return f"`{origin['name']}`", origin["rows"], origin["rejected"], f"`{origin['sha256'][:16]}…`"


def _listed(title: str, rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    listed = [f"- {_cell(row)}" for row in rows[:_REJECTED]]
    if len(rows) > _REJECTED:
        listed.append(f"- and {len(rows) - _REJECTED} more in `card.json`")
    return [f"### {title}", "\n".join(listed)]


def _findings(findings: Sequence[_Values]) -> str:
    if not findings:
        return "Nothing."
    blocks = []
    for one in findings:
        examples = [f"  - {_cell(example)}" for example in one["examples"]]
        blocks += [f"- {one['count']} {one['what']}: {_cell(one['why'])}", *examples]
    return "\n".join(blocks)


def _split(name: str, split: _Values) -> Sequence[object]:
    spread = (_spread(split["grades"]), _spread(split["relevant_per_query"]))
    return name, split["queries"], split["judgments"], *spread


def _task(task: _Values) -> Sequence[object]:
    weights = ", ".join(str(task["weights"][percent]) for percent in ("0", "50", "100"))
    return (
        *(task[name] for name in ("name", "kind", "examples", "queries")),
        weights,
        task["effective"],
    )


def _lengths(lengths: _Values) -> str:
    rows = [
        (f"{what}, {unit}", *(f"{value:g}" for value in found.values()))
        for what, units in lengths.items()
        for unit, found in units.items()
    ]
    percents = next(iter(lengths.values()))["words"]
    return _table(("quantile (%)", *percents), rows)


def _spread(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{label}: {count}" for label, count in counts.items())


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    """A value that no table or list takes for a part of itself."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
