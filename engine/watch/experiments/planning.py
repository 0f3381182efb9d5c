"""Planning: which generations an experiment is about, and what it says in JSON."""

import math
from dataclasses import asdict, replace
from typing import Any

from molt.engine.watch.experiments.evidence import read_evidence
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.experiments.experiment import Arm, Experiment, Plan, checked_plan
from molt.index.errors import GenerationNotFoundError, InvalidFieldError
from molt.index.generations.active import meant_generation
from molt.index.generations.generation import GenerationStore
from molt.index.generations.retention import rollback_targets


def planned(catalog: Catalog, store: GenerationStore, name: str, plan: Plan) -> Plan:
    """A plan with the ids of its generations.

    With nothing said of either arm, `a` is what a rollback would go to and `b` is what serves. One
    of two generations has to be what serves: an arm that names none is that. Raises
    `CollectionNotFoundError`, `NothingToRollBackError`, `GenerationNotFoundError`,
    `AmbiguousIdError` and `InvalidFieldError`.
    """
    collection = catalog.collections.get(name)
    if plan.a == plan.b == Arm():
        plan = replace(plan, a=Arm(rollback_targets(catalog, store, collection)[0]))
    checked_plan(plan)
    if plan.a.generation is None and plan.b.generation is None:
        return plan
    a, b = (_with_generation(catalog, store, collection, arm) for arm in (plan.a, plan.b))
    if collection.generation not in {a.generation, b.generation}:
        raise InvalidFieldError(
            "b", f"or a must be what serves, {collection.generation}; name one other generation"
        )
    return checked_plan(replace(plan, a=a, b=b))


def compares_generations(plan: Plan) -> bool:
    """Do the arms differ in their generation alone?"""
    return replace(plan.a, generation=plan.b.generation) == plan.b and plan.a != plan.b


def describe_experiment(experiment: Experiment) -> dict[str, Any]:
    """An experiment as it is told by the command line and over HTTP."""
    plan, evidence = experiment.plan, read_evidence(experiment.evidence)
    return {
        "collection": experiment.collection,
        "number": experiment.number,
        "state": experiment.state.value,
        "a": asdict(plan.a),
        "b": asdict(plan.b),
        "method": plan.method,
        "share": plan.share,
        "level": plan.level,
        "started_at": experiment.started_at,
        "started_by": experiment.started_by,
        "searches": experiment.searches,
        "counted": evidence.counted,
        "credit": {"a": round(evidence.credit_a, 4), "b": round(evidence.credit_b, 4)},
        "e_value": {arm: _e_value(evidence.log_e(arm)) for arm in ("a", "b")},
        "better": experiment.better,
        "ended_at": experiment.ended_at,
        "ended_by": experiment.ended_by,
        "reason": experiment.reason,
    }


def _e_value(log_e: float) -> float:
    """As a number of four digits; the largest float where it is beyond."""
    return float(f"{math.exp(min(log_e, 700.0)):.4g}")


def _with_generation(
    catalog: Catalog, store: GenerationStore, collection: Collection, arm: Arm
) -> Arm:
    if arm.generation is None:
        return replace(arm, generation=collection.generation)
    found = meant_generation(catalog, arm.generation, store.ids())
    if found is None or store.read(found).collection != collection.id:
        raise GenerationNotFoundError(
            f"collection {collection.name!r} has no generation {arm.generation[:80]!r} on disk; "
            "`molt generations` lists them"
        )
    return replace(arm, generation=found)


ARM_FIELDS = tuple(asdict(Arm()))


def parse_arm(written: str, *, option: str) -> Arm:
    """An arm from `generation=ID,mode=MODE,rerank=KIND`, each of which may be left out.

    Raises `InvalidFieldError`, which names the `option`.
    """
    given: dict[str, Any] = {}
    for part in filter(None, written.split(",")):
        name, separator, value = (one.strip() for one in part.partition("="))
        if name not in ARM_FIELDS or not separator or not value or name in given:
            known = ", ".join(f"{one}=..." for one in ARM_FIELDS)
            raise InvalidFieldError(option, f"has {part[:40]!r}; write {known}, each at most once")
        given[name] = value
    return Arm(**given)
