"""Selection: which variant of a checkpoint serves on this host.

The fastest one that is inside the quality budget; but another runtime than ONNX Runtime takes
three times the memory, and must be worth it. A manifest's speeds hold for the host that measured
them; on another one they are measured again, once, and remembered in the cache.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from molt.artifact import ArtifactError, read_manifest, write_manifest
from molt.encoder.checkpoint import (
    CHECKPOINT_MANIFEST,
    Checkpoint,
    Variant,
    open_checkpoint,
)
from molt.encoder.errors import EncoderError, NoVariantError, UnsafeCheckpointError
from molt.encoder.host import fingerprint
from molt.encoder.runtimes.runtime import is_available
from molt.encoder.safety.probe import probed, require_sound
from molt.encoder.safety.reference import Reference
from molt.encoder.speed import measure_speeds

AUTO = "auto"
_FORMAT = 1  # of the file in which speeds are remembered
_ROUNDS = 3
_WORTHWHILE = 1.15


def choose(
    checkpoint: Checkpoint,
    *,
    cache: Path,
    wanted: str = AUTO,
    without: Collection[str] = (),
) -> Variant:
    """The variant that serves: the one named `wanted`, or the fastest here where that is "auto".

    Those named in `without` do not. Raises `NoVariantError` where none is inside the budget, or
    where `wanted` is not one of them.
    """
    usable = usable_variants(checkpoint, without=without)
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


@dataclass(frozen=True)
class Choice:
    """Which variant serves on this host and why; None where that is not known yet, or none does."""

    variant: str | None
    reason: str


def describe_choice(checkpoint: Checkpoint, *, cache: Path, wanted: str = AUTO) -> Choice:
    """What `choose` would choose, as far as it is known without measuring anything."""
    usable = usable_variants(checkpoint)
    if wanted != AUTO:
        named = f"the setting encoder.runtime names {wanted!r}"
        found = wanted if wanted in usable else None
        return Choice(found, named if found else f"{named}, which cannot be served here")
    if not usable:
        return Choice(None, "none inside the quality budget has its runtime installed")
    if len(usable) == 1:
        return Choice(
            next(iter(usable)), "alone inside the quality budget with its runtime installed"
        )
    speeds = _known_speeds(checkpoint, usable, cache)
    if speeds is None:
        return Choice(None, "speeds are measured on this machine when it is first loaded")
    return _explained(usable, speeds)


def _explained(usable: Mapping[str, Variant], speeds: Mapping[str, float]) -> Choice:
    best = _best(usable, speeds).name
    fastest = max(usable, key=lambda name: speeds[name])
    pace = f"{speeds[best]:.0f} texts/s a core"
    if best == fastest:
        return Choice(best, f"the fastest here inside the quality budget, {pace}")
    return Choice(
        best, f"nearly as fast here as {fastest}, {pace}, and its runtime takes far less memory"
    )


def require_sound_variants(
    checkpoint: Checkpoint, known: Checkpoint | None, *, cache: Path
) -> None:
    """Raise `NoVariantError` for the first variant that could serve here and is not fit to.

    `known` is one of the same id that may be damaged. Raises `UnsafeCheckpointError` where its
    vectors were others, since the id vouches for both and the graphs cannot both be genuine.
    """
    references: Sequence[Reference] = ()
    for variant in usable_variants(checkpoint).values():
        references = require_sound(checkpoint, variant, cache=cache)
    if known is None or known.files == checkpoint.files:
        return
    before = {one.text: one for one in _references_of(known, cache)}
    for one in references:
        if one.text in before and not one.resembles(before[one.text]):
            raise UnsafeCheckpointError(
                checkpoint.path / CHECKPOINT_MANIFEST,
                "its graphs make other vectors than those of the checkpoint of its id that is here",
            )


def _references_of(known: Checkpoint, cache: Path) -> Sequence[Reference]:
    """What was recorded, or what its graphs make where they are undamaged."""
    if known.references:
        return known.references
    try:
        sound = open_checkpoint(known.path)
        (variant, *_) = usable_variants(sound).values()
        return require_sound(sound, variant, cache=cache)
    except (ArtifactError, EncoderError, ValueError):
        return ()


def usable_variants(checkpoint: Checkpoint, *, without: Collection[str] = ()) -> dict[str, Variant]:
    """By name those inside the budget whose runtime is installed."""
    return {
        variant.name: variant
        for variant in checkpoint.variants
        if variant.name not in without and variant.within_budget and is_available(variant)
    }


def _best(variants: Mapping[str, Variant], speeds: Mapping[str, float]) -> Variant:
    enough = max(speeds[name] for name in variants) / _WORTHWHILE
    near = [variant for name, variant in variants.items() if speeds[name] >= enough]
    return max(near, key=lambda variant: (variant.runtime == "onnx", speeds[variant.name]))


def _speeds(
    checkpoint: Checkpoint, variants: Mapping[str, Variant], cache: Path
) -> Mapping[str, float]:
    """Texts a second by name, all of them measured on this host."""
    known = _known_speeds(checkpoint, variants, cache)
    if known is not None:
        return known
    path = _memory(checkpoint, cache)
    measured = _measure_here(checkpoint, variants, cache)
    if measured.keys() < variants.keys():
        return dict.fromkeys(variants, 0.0) | measured
    with suppress(OSError):  # a full disk, or one that may only be read: measured again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_manifest(path, {"format": _FORMAT, "speeds": measured})
    return measured


def _known_speeds(
    checkpoint: Checkpoint, variants: Mapping[str, Variant], cache: Path
) -> Mapping[str, float] | None:
    """Those that were measured on this host, if all were."""
    host = fingerprint()
    if all(variant.host == host for variant in variants.values()):
        return {name: variant.texts_per_second for name, variant in variants.items()}
    known = _remembered(_memory(checkpoint, cache))
    return known if known.keys() >= variants.keys() else None


def _memory(checkpoint: Checkpoint, cache: Path) -> Path:
    return cache / f"speed-{checkpoint.id}-{fingerprint()}.json"


def _remembered(path: Path) -> Mapping[str, float]:
    """What was measured before; nothing where the cache is gone, spoilt or of another version."""
    try:
        known = read_manifest(path, supported=_FORMAT).get("speeds")
    except (OSError, ArtifactError):
        return {}
    if not isinstance(known, dict) or not all(isinstance(one, float) for one in known.values()):
        return {}
    return known


def _measure_here(
    checkpoint: Checkpoint, variants: Mapping[str, Variant], cache: Path
) -> dict[str, float]:
    """Of those that are fit to serve; others may never end, and are not run here."""
    sound = (
        variant
        for variant in variants.values()
        if not probed(checkpoint, variant, cache=cache).refused
    )
    return measure_speeds(checkpoint, sound, cache=cache, rounds=_ROUNDS)
