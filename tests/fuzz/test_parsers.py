"""What strangers send, damaged at random: refused in a sentence, and never anything else.

A few hundred inputs in the suite; `make fuzz` goes on for longer. An input that was not taken well
is kept in `corpus`, and tried first from then on.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.mutation import mutated
from tests.fuzz.parsers import PARSERS, Parser

pytestmark = pytest.mark.promise("P5", "damaged input to every parser of a stranger's bytes")

CORPUS = Path(__file__).parent / "corpus"
SECONDS = float(os.environ.get("MOLT_FUZZ_SECONDS", "0"))
ROUNDS = 300
SLOW = 10.0


def inputs(parser: Parser, random: Random) -> Iterator[bytes]:
    """Inputs for as long as was asked for; where nothing was, as many as the suite has time for."""
    seeds = parser.seeds()
    until = time.monotonic() + SECONDS
    for number in range(ROUNDS if not SECONDS else 2**62):
        if SECONDS and time.monotonic() > until:
            return
        yield seeds[number] if number < len(seeds) else mutated(random, seeds)


def attempt(parser: Parser, content: bytes, folder: Path) -> None:
    """Raises what the parser must not raise, and where it takes all too long."""
    began = time.monotonic()
    with suppress(*parser.errors):
        parser.read(content, folder)
    assert time.monotonic() - began < SLOW


@pytest.mark.timeout(max(240, 2 * SECONDS))
@pytest.mark.parametrize("name", sorted(PARSERS))
def test_damaged_input_is_refused_in_a_sentence(
    name: str, tmp_path: Path, tried: Callable[[int], None]
) -> None:
    parser = PARSERS[name]
    random = Random(os.environ.get("MOLT_FUZZ_SEED", name))
    for number, content in enumerate(inputs(parser, random)):
        folder = tmp_path / str(number % 50)
        folder.mkdir(exist_ok=True)
        try:
            attempt(parser, content, folder)
        except BaseException:
            kept = CORPUS / name / hashlib.sha256(content).hexdigest()[:16]
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(content)
            raise
    tried(number + 1)


@pytest.mark.parametrize(
    "kept", sorted(CORPUS.rglob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_what_was_not_taken_well_once_is_now(kept: Path, tmp_path: Path) -> None:
    attempt(PARSERS[kept.parent.name], kept.read_bytes(), tmp_path)
