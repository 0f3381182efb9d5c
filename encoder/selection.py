"""Selection: which variant of a checkpoint serves on this host.

The fastest one that is inside the quality budget; but another runtime than ONNX Runtime takes
three times the memory, and must be worth it. A manifest's speeds hold for the host that measured
them; on another one they are measured again, once, and remembered in the cache.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import orjson

from molt.artifact import write_atomically
from molt.encoder.checkpoint import Checkpoint, Variant
from molt.encoder.errors import NoVariantError
from molt.encoder.host import fingerprint
from molt.encoder.runtimes.runtime import is_available, load_runtime
from molt.encoder.speed import measure_speeds
from molt.encoder.tokenizer import Tokenizer

AUTO = "auto"
_ROUNDS = 3
_WORTHWHILE = 1.15


def choose(checkpoint: Checkpoint, *, cache: Path, wanted: str = AUTO) -> Variant:
    """The variant that serves: the one named `wanted`, or the fastest here where that is "auto".

    Raises `NoVariantError` where none is inside the budget, or where `wanted` is not one of them.
    """
    usable = {
        variant.name: variant
        for variant in checkpoint.variants
        if variant.within_budget and is_available(variant)
    }
    if wanted == AUTO and len(usable) == 1:
        return next(iter(usable.values()))
    if wanted == AUTO and usable:
        return _best(usable, _speeds(checkpoint, usable, cache))
    if wanted in usable:
        return usable[wanted]
    raise NoVariantError(
        f"checkpoint {checkpoint.id} has no variant {wanted!r} that can be served here; "
        f"choose {AUTO!r} or one of: {', '.join(usable) or 'none'}"
    )


def _best(variants: Mapping[str, Variant], speeds: Mapping[str, float]) -> Variant:
    enough = max(speeds[name] for name in variants) / _WORTHWHILE
    near = [variant for name, variant in variants.items() if speeds[name] >= enough]
    return max(near, key=lambda variant: (variant.runtime == "onnx", speeds[variant.name]))


def _speeds(
    checkpoint: Checkpoint, variants: Mapping[str, Variant], cache: Path
) -> Mapping[str, float]:
    """Texts a second by name, all of them measured on this host."""
    host = fingerprint()
    if all(variant.host == host for variant in variants.values()):
        return {name: variant.texts_per_second for name, variant in variants.items()}
    path = cache / f"speed-{checkpoint.id}-{host}.json"
    known = _remembered(path)
    if known.keys() >= variants.keys():
        return known
    measured = _measure_here(checkpoint, variants, cache)
    with suppress(OSError):  # a full disk, or one that may only be read: measured again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, orjson.dumps(measured))
    return measured


def _remembered(path: Path) -> Mapping[str, float]:
    """What was measured before; nothing where the cache is gone or spoilt."""
    try:
        known = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return known if isinstance(known, dict) else {}


def _measure_here(
    checkpoint: Checkpoint, variants: Mapping[str, Variant], cache: Path
) -> dict[str, float]:
    tokenizer = Tokenizer(checkpoint.path / "tokenizer.json", max_length=checkpoint.max_length)
    runtimes = {
        name: load_runtime(checkpoint, variant, threads=1, cache=cache)
        for name, variant in variants.items()
    }
    return measure_speeds(
        runtimes,
        vocabulary=tokenizer.vocabulary,
        max_length=checkpoint.max_length,
        rounds=_ROUNDS,
    )
