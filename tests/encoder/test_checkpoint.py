from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molt.artifact import CorruptFileError, FileEntry, UnsupportedFormatError, write_manifest
from molt.artifact.manifest import read_manifest
from molt.encoder import (
    Capability,
    Checkpoint,
    Fidelity,
    InputType,
    MissingCapabilityError,
    Pooling,
    Prompts,
    UnsafeCheckpointError,
    open_checkpoint,
    read_checkpoint,
)
from molt.encoder.checkpoint import (
    CHECKPOINT_FORMAT,
    CHECKPOINT_MANIFEST,
    GATE,
    checkpoint_id,
    write_checkpoint,
)
from tests.checkpoints import Build, modules, seal, variant, write_json
from tests.cross_encoders import build_cross_encoder

FILES = (
    "config.json",
    "model.safetensors",
    "modules.json",
    "runtime/fp32.onnx",
    "tokenizer.json",
)


def rewrite_manifest(path: Path, **changes: Any) -> None:
    """Change what the manifest says, and sign it again."""
    body = read_manifest(path / CHECKPOINT_MANIFEST, supported=CHECKPOINT_FORMAT)
    write_manifest(path / CHECKPOINT_MANIFEST, body | changes)


def flip(path: Path, *, byte: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << bit
    path.write_bytes(content)


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


def test_a_manifest_is_read_as_it_was_written(build: Build) -> None:
    written = build(
        pooling=Pooling.CLS,
        prompts=Prompts(query="query: ", document="pässage: "),
        parent="0123456789abcdef",
        training={"loss": "mnrl", "steps": [1, 2]},
        data={"pairs": 3},
        metrics={"nDCG@10": 0.5},
    )
    assert read_checkpoint(written.path) == written
    assert open_checkpoint(written.path) == written


def test_the_size_of_a_checkpoint_is_that_of_its_listed_files(tiny: Checkpoint) -> None:
    assert tiny.size == sum((tiny.path / name).stat().st_size for name in tiny.files)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("byte", [0, -1])
def test_a_flipped_bit_is_found_and_the_file_is_named(
    tiny: Checkpoint, name: str, byte: int
) -> None:
    flip(tiny.path / name, byte=byte, bit=0)
    with pytest.raises(CorruptFileError, match="SHA-256 differs") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / name


def test_every_listed_file_is_tried_for_flipped_bits(tiny: Checkpoint) -> None:
    assert set(tiny.files) == set(FILES)


def test_a_flipped_bit_anywhere_in_the_manifest_is_found(tiny: Checkpoint) -> None:
    manifest = tiny.path / CHECKPOINT_MANIFEST
    original = manifest.read_bytes()
    for byte in range(len(original) - 1):
        flip(manifest, byte=byte, bit=byte % 8)
        with pytest.raises(CorruptFileError) as raised:
            read_checkpoint(tiny.path)
        assert raised.value.path == manifest
        manifest.write_bytes(original)


@pytest.mark.parametrize("name", [*FILES, CHECKPOINT_MANIFEST])
def test_a_missing_file_is_named(tiny: Checkpoint, name: str) -> None:
    (tiny.path / name).unlink()
    with pytest.raises(CorruptFileError, match="missing") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / name


def test_a_truncated_file_is_named_with_both_sizes(tiny: Checkpoint) -> None:
    path = tiny.path / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CorruptFileError, match=r"tokenizer\.json: has 100 bytes where \d+"):
        open_checkpoint(tiny.path)


def test_reading_looks_at_the_manifest_alone(tiny: Checkpoint) -> None:
    (tiny.path / "model.safetensors").unlink()
    assert read_checkpoint(tiny.path).id == tiny.id


@pytest.mark.parametrize(
    "name",
    [
        "../outside.json",
        "/etc/passwd",
        "runtime/../config.json",
        "runtime/../../fp32.onnx",
        "pytorch_model.bin",
        "model.pt",
        "modeling_custom.py",
        "runtime/deep/fp32.onnx",
    ],
)
def test_a_manifest_that_lists_a_forbidden_name_is_refused(tiny: Checkpoint, name: str) -> None:
    entry = FileEntry(size=1, sha256="0" * 64)
    write_checkpoint(replace(tiny, files={**tiny.files, name: entry}))
    with pytest.raises(UnsafeCheckpointError, match="may not hold a file of this name") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / name


def test_a_signed_foreign_module_is_refused_although_every_checksum_holds(
    tiny: Checkpoint,
) -> None:
    write_json(tiny.path / "modules.json", [{"path": "", "type": "os.system"}])
    seal(tiny)
    with pytest.raises(UnsafeCheckpointError, match=r"'os\.system' is not on the allow-list"):
        open_checkpoint(tiny.path)


@pytest.mark.parametrize(
    "settings",
    [
        {"tokenizer_name_or_path": "/etc"},
        {"max_seq_length": 16, "do_lower_case": True},
        {"max_seq_length": 17, "do_lower_case": False},
    ],
)
def test_signed_settings_of_the_transformer_that_lead_astray_are_refused(
    tiny: Checkpoint, settings: dict[str, Any]
) -> None:
    write_json(tiny.path / "sentence_bert_config.json", settings)
    seal(tiny)
    with pytest.raises(UnsafeCheckpointError, match="says something other than") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / "sentence_bert_config.json"


def test_a_signed_file_of_code_is_refused_by_name(tiny: Checkpoint) -> None:
    (tiny.path / "custom.py").write_text("raise SystemExit")
    seal(tiny)
    with pytest.raises(UnsafeCheckpointError) as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / "custom.py"


def test_a_newer_format_is_refused_and_says_to_upgrade(tiny: Checkpoint) -> None:
    rewrite_manifest(tiny.path, format=CHECKPOINT_FORMAT + 1)
    with pytest.raises(UnsupportedFormatError, match=r"format 3 is newer .* upgrade Molt"):
        open_checkpoint(tiny.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "oracle"}, "kind: must be 'bi-encoder', 'static' or 'cross-encoder'"),
        ({"capabilities": ["fly"]}, r"capabilities\.0: must be 'embed', 'rerank' or"),
        ({"capabilities": []}, "says that a bi-encoder can do nothing"),
        ({"capabilities": ["embed", "rerank"]}, "says that a bi-encoder can do embed, rerank"),
        ({"kind": "cross-encoder"}, "says that a cross-encoder can do embed, tokens"),
        ({"pooling": "max"}, "pooling: must be 'mean' or 'cls'"),
        ({"dimension": "wide"}, "dimension: must be a whole number"),
        ({"dimension": 1e12}, "dimension: must be at most"),
        ({"training": nested(100)}, "nests deeper than"),
        ({"created_at": "2026-01-01T00:00:00"}, "created_at: must have timezone info"),
        ({"variants": [{"name": "x"}]}, r"variants\.0\.runtime: is missing"),
        ({"id": "0" * 16}, "says id 0000000000000000, its content is"),
        ({"max_length": 0}, "max_length: must be at least 1"),
        ({"max_length": 17}, "its content is"),
    ],
)
def test_a_manifest_that_describes_no_checkpoint_is_refused(
    tiny: Checkpoint, changes: dict[str, Any], message: str
) -> None:
    rewrite_manifest(tiny.path, **changes)
    with pytest.raises(UnsafeCheckpointError, match=message) as raised:
        read_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / CHECKPOINT_MANIFEST


def test_a_manifest_of_this_format_names_its_kind(tiny: Checkpoint) -> None:
    body = read_manifest(tiny.path / CHECKPOINT_MANIFEST, supported=CHECKPOINT_FORMAT)
    write_manifest(
        tiny.path / CHECKPOINT_MANIFEST, {key: body[key] for key in body if key != "kind"}
    )
    with pytest.raises(UnsafeCheckpointError, match="kind: Field required"):
        read_checkpoint(tiny.path)


def test_a_kind_that_the_content_is_not_is_refused(tiny: Checkpoint) -> None:
    rewrite_manifest(tiny.path, kind="static")
    with pytest.raises(UnsafeCheckpointError, match="says it is static and is not"):
        open_checkpoint(tiny.path)


def test_a_cross_encoder_is_read_and_says_that_it_makes_no_vectors(tmp_path: Path) -> None:
    made = open_checkpoint(build_cross_encoder(tmp_path).path)
    made.require(Capability.RERANK)
    for capability in (Capability.EMBED, Capability.TOKENS):
        with pytest.raises(MissingCapabilityError, match="a cross-encoder, which scores pairs"):
            made.require(capability)


def test_a_checkpoint_passed_the_gate_only_where_its_manifest_says_so(tiny: Checkpoint) -> None:
    for said, passed in (({}, False), ({GATE: {"accepted": False}}, False), ({GATE: "yes"}, False)):
        assert replace(tiny, metrics=said).passed_gate is passed
    assert replace(tiny, metrics={GATE: {"accepted": True}}).passed_gate


def test_a_checkpoint_that_cannot_rerank_says_so(tiny: Checkpoint) -> None:
    with pytest.raises(MissingCapabilityError, match="a bi-encoder, which cannot rerank"):
        tiny.require(Capability.RERANK)


def test_a_variant_whose_graph_is_not_listed_is_refused(tiny: Checkpoint) -> None:
    write_checkpoint(replace(tiny, variants=(variant(graph="runtime/other.onnx"),)))
    with pytest.raises(UnsafeCheckpointError, match=r"does not list runtime/other\.onnx"):
        read_checkpoint(tiny.path)


def test_a_variant_whose_graph_is_another_kind_of_file_is_refused(tiny: Checkpoint) -> None:
    write_checkpoint(replace(tiny, variants=(variant(graph="model.safetensors"),)))
    with pytest.raises(UnsafeCheckpointError, match="a graph that is no graph"):
        read_checkpoint(tiny.path)


def test_a_manifest_without_weights_is_refused(tiny: Checkpoint) -> None:
    files = {name: entry for name, entry in tiny.files.items() if name != "model.safetensors"}
    write_checkpoint(replace(tiny, files=files))
    with pytest.raises(UnsafeCheckpointError, match=r"does not list model\.safetensors"):
        read_checkpoint(tiny.path)


def test_the_id_depends_on_neither_graphs_nor_speed_nor_provenance(tiny: Checkpoint) -> None:
    (tiny.path / "runtime" / "fp32.onnx").write_bytes(b"another graph")
    write_json(tiny.path / "modules.json", modules("Transformer", "Pooling"))
    slower = variant(texts_per_second=1.0, host="elsewhere")
    other = replace(tiny, variants=(slower,), base_model="renamed", metrics={"nDCG@10": 1.0})
    other = replace(other, capabilities=(Capability.EMBED,))
    assert seal(other).id == tiny.id


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_the_id_depends_on_each_file_that_defines_vectors(tiny: Checkpoint, name: str) -> None:
    flip(tiny.path / name, byte=-1, bit=0)
    assert seal(tiny).id != tiny.id


def test_the_id_depends_on_pooling_prompts_and_length(tiny: Checkpoint) -> None:
    ids = {
        checkpoint_id(tiny.files, pooling=pooling, prompts=prompts, max_length=max_length)
        for pooling in Pooling
        for prompts in (Prompts(), Prompts(query="q: "), Prompts(document="q: "))
        for max_length in (16, 17)
    }
    assert len(ids) == 12
    assert tiny.id in ids


def test_the_budget_is_a_cosine_of_099_and_half_a_percent_of_ndcg() -> None:
    measured = [(0.99, 0.8), (0.9899, 0.8), (1.0, 0.7961), (1.0, 0.7959)]
    variants = [
        variant(fidelity=Fidelity(cosine, cosine, ndcg10=ndcg, ndcg10_reference=0.8))
        for cosine, ndcg in measured
    ]
    assert [each.within_budget for each in variants] == [True, False, True, False]


def test_a_model_that_ranks_nothing_has_nothing_to_lose() -> None:
    fidelity = Fidelity(cosine_mean=1.0, cosine_min=1.0, ndcg10=0.0, ndcg10_reference=0.0)
    assert fidelity.ndcg10_loss == 0.0


def test_each_input_type_has_its_own_prompt() -> None:
    prompts = Prompts(query="q", document="d")
    assert [prompts.of(input_type) for input_type in InputType] == ["q", "d"]
