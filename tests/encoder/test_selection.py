from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molt.artifact import read_manifest, write_manifest
from molt.encoder import (
    Checkpoint,
    Fidelity,
    NoVariantError,
    UnsafeCheckpointError,
    Variant,
)
from molt.encoder import selection as module
from molt.encoder.host import cores, fingerprint
from molt.encoder.runtimes.runtime import load_runtime
from molt.encoder.safety.probe import require_sound
from molt.encoder.selection import choose, require_sound_variants
from tests.checkpoints import (
    DIMENSION,
    VOCABULARY,
    Build,
    build_checkpoint,
    seal,
    variant,
    write_graph,
)
from tests.damage import flip_a_bit
from tests.encoder.safety.graphs import scaled, with_graph

HERE = fingerprint()
UNFAITHFUL = Fidelity(cosine_mean=0.98, cosine_min=0.9, ndcg10=0.8, ndcg10_reference=0.8)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def with_variants(build: Build, *variants: Variant) -> Checkpoint:
    return build(variants=variants)


def remember(path: Path, speeds: object) -> None:
    write_manifest(path, {"format": 1, "speeds": speeds})


def remembered(path: Path) -> dict[str, float]:
    return read_manifest(path, supported=1)["speeds"]


def refuse_to_measure(*_: object) -> dict[str, float]:
    pytest.fail("nothing was to be measured")


def test_the_fastest_variant_serves_where_it_was_measured_and_nothing_is_measured_again(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_measure_here", refuse_to_measure)
    checkpoint = with_variants(
        build,
        variant("slow", texts_per_second=1.0, host=HERE),
        variant("fast", texts_per_second=9.0, host=HERE),
        variant("middling", texts_per_second=5.0, host=HERE),
    )
    assert choose(checkpoint, cache=cache).name == "fast"
    assert not cache.exists()


@pytest.mark.parametrize(("speed", "chosen"), [(110.0, "onnx-int8"), (120.0, "openvino-int8")])
def test_a_heavier_runtime_must_be_worth_its_memory(
    build: Build, cache: Path, speed: float, chosen: str
) -> None:
    checkpoint = with_variants(
        build,
        variant("onnx-fp32", texts_per_second=40.0, host=HERE),
        variant("onnx-int8", texts_per_second=100.0, host=HERE),
        variant("openvino-int8", runtime="openvino", texts_per_second=speed, host=HERE),
    )
    assert choose(checkpoint, cache=cache).name == chosen


def test_a_faster_variant_outside_the_budget_never_serves(build: Build, cache: Path) -> None:
    checkpoint = with_variants(
        build,
        variant("true", texts_per_second=1.0, host=HERE),
        variant("wrong", texts_per_second=9.0, host=HERE, fidelity=UNFAITHFUL),
    )
    assert choose(checkpoint, cache=cache).name == "true"
    with pytest.raises(NoVariantError, match=r"no variant 'wrong'.*one of: true"):
        choose(checkpoint, cache=cache, wanted="wrong")


def test_a_variant_whose_runtime_is_not_installed_is_passed_over(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(load_runtime.__globals__["_PACKAGES"], "openvino", "not_installed_here")
    absent = variant("openvino-int8", runtime="openvino", texts_per_second=9.0, host=HERE)
    checkpoint = with_variants(build, variant("onnx", host=HERE), absent)
    assert choose(checkpoint, cache=cache).name == "onnx"
    with pytest.raises(NoVariantError, match=r"install molt-search\[openvino\]"):
        load_runtime(checkpoint, absent, threads=1, cache=cache)


def test_a_variant_is_served_by_name_however_slow(build: Build, cache: Path) -> None:
    checkpoint = with_variants(
        build,
        variant("slow", texts_per_second=1.0, host=HERE),
        variant("fast", texts_per_second=9.0, host=HERE),
    )
    assert choose(checkpoint, cache=cache, wanted="slow").name == "slow"


def test_a_name_that_no_variant_has_is_refused_and_the_names_are_given(
    build: Build, cache: Path
) -> None:
    checkpoint = with_variants(build, variant("one"), variant("two"))
    with pytest.raises(NoVariantError, match=f"checkpoint {checkpoint.id}.*'three'.*one, two"):
        choose(checkpoint, cache=cache, wanted="three")


def test_a_checkpoint_without_variants_cannot_be_served(build: Build, cache: Path) -> None:
    with pytest.raises(NoVariantError, match="one of: none"):
        choose(with_variants(build), cache=cache)


def test_the_only_variant_needs_no_measuring(
    tiny: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_measure_here", refuse_to_measure)
    assert choose(tiny, cache=cache) == tiny.variants[0]


def test_another_host_measures_once_and_remembers(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = with_variants(build, variant("one"), variant("two"))
    chosen = choose(checkpoint, cache=cache)
    (path,) = cache.glob("speed-*.json")
    speeds = remembered(path)
    assert speeds.keys() == {"one", "two"}
    assert min(speeds.values()) > 0
    assert speeds[chosen.name] == max(speeds.values())
    monkeypatch.setattr(module, "_measure_here", refuse_to_measure)
    remember(path, {"one": 1.0, "two": 2.0})
    assert choose(checkpoint, cache=cache).name == "two"


def test_what_is_not_fit_to_serve_is_not_measured(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may never end, and its speed is measured in the process that serves."""
    checkpoint = with_a_bad_variant(build)
    measured: list[str] = []

    def measure(_: Checkpoint, variants: Iterable[Variant], **__: object) -> dict[str, float]:
        measured.extend(one.name for one in variants)
        return dict.fromkeys(measured, 1.0)

    monkeypatch.setattr(module, "measure_speeds", measure)
    assert choose(checkpoint, cache=cache).name == "good"
    assert measured == ["good"]


def test_each_variant_that_could_serve_has_to_be_sound(build: Build, cache: Path) -> None:
    with pytest.raises(NoVariantError, match=r"variant bad of checkpoint .* not normalised"):
        require_sound_variants(with_a_bad_variant(build), None, cache=cache)


def with_a_bad_variant(build: Build) -> Checkpoint:
    """A good variant, and after it one whose vectors are too long."""
    checkpoint = build(variants=[variant("good"), variant("bad", graph="runtime/bad.onnx")])
    good, bad = (checkpoint.path / "runtime" / name for name in ("fp32.onnx", "bad.onnx"))
    kept = good.read_bytes()
    with_graph(checkpoint, scaled(2.0))
    good.rename(bad)
    good.write_bytes(kept)
    return seal(checkpoint)


def test_a_cache_that_cannot_be_written_keeps_nothing_from_serving(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file where the folder should be")
    monkeypatch.setattr(module, "_measure_here", lambda *_: {"one": 1.0, "two": 2.0})
    checkpoint = with_variants(build, variant("one"), variant("two"))
    assert choose(checkpoint, cache=cache).name == "two"


@pytest.mark.parametrize(
    "content", [b"", b"{oops", b"[]", b'{"one": 5.0, "two": 1.0}', b'{"format": 1}']
)
def test_spoilt_or_partial_memory_of_speeds_is_measured_anew(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(module, "_measure_here", lambda *_: {"one": 1.0, "two": 2.0})
    checkpoint = with_variants(build, variant("one"), variant("two"))
    path = cache / f"speed-{checkpoint.id}-{HERE}.json"
    cache.mkdir()
    path.write_bytes(content)
    assert choose(checkpoint, cache=cache).name == "two"
    assert remembered(path) == {"one": 1.0, "two": 2.0}


@pytest.mark.parametrize("speeds", [{"one": 5.0}, {"one": "fast", "two": 1.0}, ["one", "two"]])
def test_memory_of_speeds_that_says_too_little_is_measured_anew(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch, speeds: object
) -> None:
    monkeypatch.setattr(module, "_measure_here", lambda *_: {"one": 1.0, "two": 2.0})
    checkpoint = with_variants(build, variant("one"), variant("two"))
    cache.mkdir()
    remember(cache / f"speed-{checkpoint.id}-{HERE}.json", speeds)
    assert choose(checkpoint, cache=cache).name == "two"


def test_a_flipped_bit_in_remembered_speeds_is_found_and_they_are_measured_anew(
    build: Build, cache: Path
) -> None:
    checkpoint = with_variants(build, variant("one"), variant("two"))
    cache.mkdir()
    path = cache / f"speed-{checkpoint.id}-{HERE}.json"
    remember(path, {"one": 1.0, "two": 2.0})
    path.write_bytes(path.read_bytes().replace(b"1.0", b"9.0"))
    choose(checkpoint, cache=cache)
    assert remembered(path)["one"] not in {1.0, 9.0}


def test_speeds_of_mixed_hosts_are_never_compared(
    build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_measure_here", lambda *_: {"here": 2.0, "there": 1.0})
    checkpoint = with_variants(
        build, variant("here", host=HERE), variant("there", texts_per_second=1e6)
    )
    assert choose(checkpoint, cache=cache).name == "here"


def test_a_graph_that_its_runtime_does_not_take_is_named(build: Build, cache: Path) -> None:
    checkpoint = build()
    path = checkpoint.path / "runtime" / "fp32.onnx"
    path.write_bytes(b"no graph")
    for runtime in ("onnx", "openvino"):
        broken = replace(checkpoint.variants[0], runtime=runtime)
        with pytest.raises(NoVariantError, match=f"does not take {path}"):
            load_runtime(checkpoint, broken, threads=1, cache=cache)


def test_the_fingerprint_of_a_host_stays_and_its_cores_are_counted() -> None:
    assert fingerprint() == HERE
    assert len(HERE) == 16
    assert cores() >= 1


def forged(tmp_path: Path, **changes: Any) -> Checkpoint:
    """Genuine weights and their id, with a graph of another table; every checksum holds."""
    made = build_checkpoint(tmp_path / "elsewhere", **changes)
    other = np.random.default_rng(1).standard_normal((len(VOCABULARY), DIMENSION)).astype("f4")
    write_graph(made.path / "runtime" / "fp32.onnx", other)
    return seal(made)


def test_a_forged_graph_under_the_id_of_a_checkpoint_that_is_known_is_refused(
    tiny: Checkpoint, cache: Path, tmp_path: Path
) -> None:
    wrong = forged(tmp_path)
    assert wrong.id == tiny.id
    with pytest.raises(UnsafeCheckpointError, match="other vectors than those of the checkpoint"):
        require_sound_variants(wrong, tiny, cache=cache)
    again = build_checkpoint(tmp_path / "again", base_model="renamed")
    require_sound_variants(again, tiny, cache=cache)
    require_sound_variants(wrong, None, cache=cache)  # nobody vouches for it, and docs say so


def test_one_that_is_known_and_damaged_vouches_by_its_recorded_vectors(
    tiny: Checkpoint, cache: Path, tmp_path: Path
) -> None:
    references = require_sound(tiny, tiny.variants[0], cache=cache)
    known = replace(tiny, references=references)
    flip_a_bit(tiny.path / "runtime" / "fp32.onnx")
    with pytest.raises(UnsafeCheckpointError, match="other vectors"):
        require_sound_variants(forged(tmp_path), known, cache=cache)
    require_sound_variants(build_checkpoint(tmp_path / "again", tokens=False), known, cache=cache)
    require_sound_variants(forged(tmp_path / "b"), tiny, cache=cache)  # it records nothing
