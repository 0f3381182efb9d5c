"""A soak: episode after episode until the time is over, and what they brought to light."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.soak.crowd import Crowd
from tests.soak.disturbances import disturb
from tests.soak.plan import Episode, Kind, episodes
from tests.soak.stand import Stand, faketime
from tests.soak.verdict import verdict

Say = Callable[[str], None]
_MOST_KEPT = 20


@dataclass
class Outcome:
    """What was tried how often, what the clients were answered, and what was found."""

    tried: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, object]] = field(default_factory=list)
    swaps: int = 0


def soak(stand: Stand, *, seed: int, seconds: float, say: Say) -> Outcome:
    """Run the plan of `seed` for so long; an episode that has begun is ended."""
    outcome = Outcome()
    end = time.monotonic() + seconds
    for episode in _possible(seed):
        if time.monotonic() >= end:
            return outcome
        _run(stand, episode, outcome, say)
    return outcome


def _possible(seed: int) -> Iterator[Episode]:
    """The plan without what this machine has no ingredients for."""
    for episode in episodes(seed):
        if episode.kind is not Kind.CLOCK or faketime():
            yield episode


def _run(stand: Stand, episode: Episode, outcome: Outcome, say: Say) -> None:
    began = time.monotonic()
    crowd = Crowd(stand.server, stand.oracle, stand.pairs, episode)
    with crowd:
        swapping = episode.swap and stand.swap()
        disturb(stand, crowd, episode)
    findings = list(dict.fromkeys(crowd.notes.findings)) + verdict(stand, episode)
    outcome.tried[episode.kind] += 1
    outcome.swaps += swapping
    outcome.statuses.update(crowd.notes.statuses)
    for what in findings[:_MOST_KEPT]:
        found = {"episode": episode.number, "kind": episode.kind, "detail": episode.detail}
        outcome.findings.append(found | {"what": what})
    took = time.monotonic() - began
    swap = ", swap" if swapping else ""
    say(f"{episode.number}: {episode.kind} {episode.detail}{swap}: {took:.0f} s, {len(findings)}")
    for what in findings[:_MOST_KEPT]:
        say(f"   {what}")
