"""What an answer may be: statuses that docs/api.md names, and scores of one whole pair.

Documents that nobody changes have one score for a query under each checkpoint. An answer that
names a checkpoint and holds another's scores is of no whole pair.
"""

import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from molt.encoder import Encoder, InputType, Lane
from tests.paths import DOCS

_ROW = re.compile(r"^\| (\d{3}) \| ([^|]+) \|", re.MULTILINE)
_TOLERANCE = 0.01


def documented() -> frozenset[tuple[int, str]]:
    """Every status with its code that the reference of the API lists, 500 left out."""
    table = _ROW.findall((DOCS / "api.md").read_text(encoding="utf-8"))
    named = {
        (int(status), code) for status, codes in table for code in re.findall("`(.+?)`", codes)
    }
    return frozenset(one for one in named if one[0] != 500)


def code_of(answer: Mapping[str, Any]) -> str:
    """The code of a problem."""
    return str(answer.get("type", "")).removeprefix("urn:molt:problem:")


def _nearness(hit: Mapping[str, Any]) -> float | None:
    """What the vectors say of a hit, whatever else its score is made of; None where they do not."""
    said = hit["scores"].get("dense")
    return None if said is None else float(said)


def _share_a_word(query: str, text: str) -> bool:
    return not set(query.split()).isdisjoint(text.split())


class Pairs:
    """Judges answers to searches by the encoders that may have made them; thread-safe."""

    def __init__(
        self, home: Path, encoders: Mapping[str, Encoder], texts: Mapping[str, str]
    ) -> None:
        self._generations = home / "generations"
        self._encoders = encoders
        self._texts = texts
        self._checkpoints: dict[str, str] = {}
        self._lock = threading.Lock()
        self.judged = 0

    def fault(self, query: str, answer: Mapping[str, Any]) -> str | None:
        """Why an answer is of no whole pair, or None."""
        generation, checkpoint = answer["generation"], answer["checkpoint"]
        if self._made_by(generation, checkpoint) != checkpoint:
            return f"generation {generation} answered with another checkpoint than its own"
        for hit in answer["hits"]:
            text = self._texts.get(hit["id"])
            if text is None:
                continue
            self.judged += 1
            near, right = _nearness(hit), self.score(query, text, checkpoint)
            if near is not None and abs(near - right) > _TOLERANCE:
                return f"{hit['id']} scores {near:.4f}, not {right:.4f} as {checkpoint} says"
            if hit["scores"].get("lexical") and not _share_a_word(query, text):
                return f"{hit['id']} is found by words and has none of them"
        return None

    def score(self, query: str, text: str, checkpoint: str) -> float:
        """What a text scores for a query under a checkpoint."""
        encode = self._encoders[checkpoint].encode
        left = encode([query], input_type=InputType.QUERY, lane=Lane.QUERY).vectors[0]
        right = encode([text], input_type=InputType.DOCUMENT, lane=Lane.QUERY).vectors[0]
        return float(left @ right)

    def _made_by(self, generation: str, claimed: str) -> str:
        """The checkpoint that the manifest names, or else the one that was claimed first."""
        with self._lock:
            if generation not in self._checkpoints:
                try:
                    manifest = (self._generations / generation / "generation.json").read_text()
                    claimed = json.loads(manifest)["checkpoint"]
                except (OSError, ValueError, KeyError):  # it was removed meanwhile, or is damaged
                    pass
                self._checkpoints[generation] = claimed
            return self._checkpoints[generation]
